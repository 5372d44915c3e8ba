#include "probe/store/shipping.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "probe/base/clock.h"

namespace dpi {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds pause_min{100};
constexpr milliseconds pause_max{2000};
constexpr milliseconds pause_refused{10'000};
// A round is short: one that lasts longer waits for a database that does not answer.
constexpr std::uint64_t unanswered_us = 15'000'000;

}  // namespace

Shipping::Shipping(Shipper shipper, std::function<std::uint64_t()> durable, ShippingOptions options)
    : options_(options),
      patience_(options.answer),
      shipper_(std::move(shipper)),
      durable_(std::move(durable)),
      stats_{.acked_seq = shipper_.acked_seq()},
      thread_([this] {
        shipper_.wait_with(patience_);
        run();
      }) {}

Shipping::~Shipping() {
  // What is wrong was asked for by stop(), or nobody wants to know.
  [[maybe_unused]] const auto ignored = stop();
}

Result<void> Shipping::stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (!ending_since_) {
      ending_since_ = Clock::now();
      if (!options_.to_the_end) patience_.end_at(*ending_since_ + options_.patience);
    }
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  return shipped_;
}

std::optional<Clock::time_point> Shipping::ending_since() {
  const std::scoped_lock lock(mutex_);
  return ending_since_;
}

void Shipping::note(const Result<bool>& round, std::uint64_t began_us) {
  const std::scoped_lock lock(mutex_);
  if (!trouble_.empty()) ++stats_.attempts_again;
  stats_.connected = round.has_value();
  trouble_ = round ? "" : round.error().what;
  if (!round) ++stats_.attempts_failed;
  if (shipper_.refused()) ++stats_.attempts_refused;
  for (; damage_noted_ < shipper_.damage().size(); ++damage_noted_)
    damage_.push_back(shipper_.damage()[damage_noted_]);
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
    const auto since = ending_since();
    const bool last = since.has_value();
    if (shipper_.refused_for_good()) {
      if (last || !options_.try_again_when_refused) return;
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, pause_refused, [&] { return ending_since_.has_value(); });
      continue;
    }
    if (last && !deadline) deadline = *since + options_.patience;
    const std::uint64_t upto = durable_();
    const std::uint64_t acked_before = shipper_.acked_seq();
    const std::uint64_t began_us = boot_time_us();
    round_began_us_.store(began_us, std::memory_order_relaxed);
    const auto round = shipper_.ship(upto);
    round_began_us_.store(0, std::memory_order_relaxed);
    note(round, began_us);
    shipped_ = round ? Result<void>{} : tl::unexpected(round.error());
    const bool more = round && *round;
    const bool refused = shipper_.refused();
    if (refused && (last || !options_.try_again_when_refused)) return;
    if (shipper_.refused_for_good()) continue;
    if (round && !more && last && upto == durable_()) return;
    const bool progress = options_.to_the_end && shipper_.acked_seq() != acked_before;
    if (last && progress) deadline = Clock::now() + options_.patience;
    if (deadline && Clock::now() >= *deadline) {
      if (round) shipped_ = fail(Errc::sink, "the time to ship in is over");
      return;
    }
    if (more) continue;
    pause = round ? pause_min : std::min(pause * 2, pause_max);
    if (refused) shipper_.forget_refusal();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, refused ? pause_refused : pause,
                   [&] { return (ending_since_ && !last) || (round && durable_() != upto); });
  }
}

ShippingStats Shipping::stats() const {
  const std::scoped_lock lock(mutex_);
  ShippingStats out = stats_;
  const std::uint64_t began_us = round_began_us_.load(std::memory_order_relaxed);
  const std::uint64_t now_us = boot_time_us();
  if (began_us != 0 && now_us > began_us + unanswered_us) out.connected = false;
  return out;
}

std::vector<SpoolDamage> Shipping::take_damage() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(damage_, {});
}

std::string Shipping::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

}  // namespace dpi
