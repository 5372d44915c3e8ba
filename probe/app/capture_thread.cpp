#include "probe/app/capture_thread.h"

#include <fmt/format.h>

#include "probe/base/clock.h"
#include "probe/event/payloads.h"
#include "probe/service/log.h"

namespace dpi {
namespace {

constexpr std::chrono::milliseconds poll_timeout{100};
// A packet may be under way from the kernel for as long as its block waits; time on a silent link
// keeps this far behind the clock.
constexpr std::chrono::milliseconds time_under_way{500};

SourceStats neutral(const CaptureStats& stats) noexcept {
  return {.dropped_kernel = stats.dropped_kernel,
          .dropped_nic = stats.dropped_nic,
          .dropped_no_buffer = stats.dropped_pool,
          .ring_freezes = stats.ring_freezes,
          .coalesced = stats.coalesced_packets,
          .checksum_partial = stats.checksum_partial_packets,
          .link_changes = stats.link_changes,
          .reopened = stats.reopened,
          .link_down = stats.link_down};
}

}  // namespace

CaptureThread::CaptureThread(std::unique_ptr<PacketSource> source, DataPath& path,
                             std::uint32_t front, std::size_t batch_packets,
                             std::optional<BpfFilter> filter)
    : source_(std::move(source)),
      path_(path),
      front_(front),
      batch_packets_(batch_packets),
      filter_(std::move(filter)),
      thread_([this] { run(); }) {}

CaptureThread::~CaptureThread() {
  stop();
  thread_.join();
}

void CaptureThread::say_warnings() {
  const auto warnings = source_->warnings();
  for (; warnings_said_ < warnings.size(); ++warnings_said_)
    log_state({.level = LogLevel::warning,
               .event = "capture",
               .message = warnings[warnings_said_],
               .fields = {{"interface", std::string{source_->name()}}}});
}

void CaptureThread::process(const Batch& batch) {
  Front& front = path_.front(front_);
  for (const RawPacket& packet : batch.packets()) {
    if (!filter_ || filter_->matches(packet)) {
      front.process(packet);
    } else {
      front.count_filtered(packet);
    }
  }
}

// Every front moves its own time along; the first one tells.
void CaptureThread::watch_clock() {
  const auto step =
      path_.front(front_).observe_clock(wall_clock_now().time_since_epoch() - boot_time());
  if (!step || front_ != 0) return;
  std::string payload;
  append_clock_step_payload(payload, {.delta_us = step->count() / 1000,
                                      .source = "step",
                                      .synced_after = clock_is_synchronised()});
  path_.own_event("clock.step", std::move(payload));
  const auto ms = step->count() / 1'000'000;
  log_state({.level = LogLevel::warning,
             .event = "clock_step",
             .message = fmt::format("the clock was set by {} ms; flows were moved along", ms),
             .fields = {{"delta_ms", std::to_string(ms)}}});
}

void CaptureThread::run() {
  Front& front = path_.front(front_);
  Batch batch;
  while (!stopping_.load(std::memory_order_relaxed)) {
    const auto state = source_->poll(batch, batch_packets_, poll_timeout);
    say_warnings();
    if (!state || *state == SourceState::end) {
      error_ = state ? "ended" : state.error().what;
      break;
    }
    watch_clock();
    process(batch);
    if (*state == SourceState::idle) front.idle(wall_clock_now() - time_under_way);
    front.set_source(neutral(source_->stats()));
    path_.release_canary(front_);
    path_.end_round(front_);
    batch.clear();
    rounds_.fetch_add(1, std::memory_order_relaxed);
  }
  front.finish(EndReason::forced);
  path_.end_round(front_);
  path_.stop(front_);
  ended_.store(true, std::memory_order_release);
}

}  // namespace dpi
