#include "probe/store/shipping.h"

#include <algorithm>
#include <optional>

#include "probe/base/clock.h"

namespace dpi {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds pause_min{100};
constexpr milliseconds pause_max{2000};
constexpr milliseconds pause_refused{10'000};

}  // namespace

Shipping::Shipping(Shipper shipper, std::function<std::uint64_t()> durable, ShippingOptions options)
    : shipper_(std::move(shipper)),
      durable_(std::move(durable)),
      options_(options),
      thread_([this] { run(); }) {}

Shipping::~Shipping() {
  // What is wrong was asked for by stop(), or nobody wants to know.
  [[maybe_unused]] const auto ignored = stop();
}

Result<void> Shipping::stop() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  return shipped_;
}

bool Shipping::ending() {
  const std::scoped_lock lock(mutex_);
  return ending_;
}

void Shipping::note(std::uint64_t began_us) {
  const std::scoped_lock lock(mutex_);
  if (!trouble_.empty()) ++stats_.attempts_again;
  stats_.connected = shipped_.has_value();
  trouble_ = shipped_ ? "" : shipped_.error().what;
  if (!shipped_) ++stats_.attempts_failed;
  if (shipper_.refused()) ++stats_.attempts_refused;
  const std::uint64_t acked = shipper_.acked_seq();
  if (acked == stats_.acked_seq) return;
  stats_.acked_seq = acked;
  stats_.last_ack_wall_ns = nanoseconds(wall_clock_now());
  stats_.acked_at_us = boot_time_us();
  stats_.last_commit_us = stats_.acked_at_us - began_us;
}

// Until everything is out, or the end has come and patience is over.
void Shipping::run() {
  std::optional<Clock::time_point> deadline;
  milliseconds pause = pause_min;
  for (;;) {
    rounds_.fetch_add(1, std::memory_order_relaxed);
    const bool last = ending();
    const std::uint64_t upto = durable_();
    const std::uint64_t began_us = boot_time_us();
    shipped_ = shipper_.ship(upto);
    note(began_us);
    const bool refused = shipper_.refused();
    if (refused && (last || !options_.try_again_when_refused)) return;
    if (shipped_ && last && upto == durable_()) return;
    if (last && !deadline) deadline = Clock::now() + options_.patience;
    if (!shipped_ && deadline && Clock::now() >= *deadline) return;
    pause = shipped_ ? pause_min : std::min(pause * 2, pause_max);
    if (refused) shipper_.forget_refusal();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, refused ? pause_refused : pause,
                   [&] { return (ending_ && !last) || (shipped_ && durable_() != upto); });
  }
}

ShippingStats Shipping::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

std::string Shipping::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

}  // namespace dpi
