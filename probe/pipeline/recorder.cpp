#include "probe/pipeline/recorder.h"

#include <algorithm>

#include "probe/base/check.h"

namespace dpi {

Recorder::Recorder(Sealer sealer, std::vector<std::unique_ptr<EventSink>> sinks,
                   std::uint64_t checkpoint_events)
    : sealer_(std::move(sealer)),
      sinks_(std::move(sinks)),
      checkpoint_events_(checkpoint_events),
      tree_size_signed_(sealer_.next_seq()) {
  DPI_CHECK(checkpoint_events_ > 0);
}

void Recorder::keep(const Result<void>& result) {
  if (!result && !error_) error_ = result.error();
}

void Recorder::record(const EncodedEvent& event, const SealTime& time) {
  if (error_) return;
  const std::uint64_t seq = sealer_.next_seq();
  const std::string_view envelope = sealer_.seal(event, time);
  if (!unsigned_since_us_) unsigned_since_us_ = time.mono_us;
  for (const auto& sink : sinks_) keep(sink->event(seq, envelope, event.payload));
  if (sealer_.next_seq() - tree_size_signed_ >= checkpoint_events_) checkpoint();
}

void Recorder::rotate_key(SigningKey next, const EncodedEvent& event, const SealTime& time) {
  if (error_) return;
  // First: a full batch closes with the event, and that checkpoint already takes both signatures.
  sealer_.rotate_key(std::move(next));
  record(event, time);
  checkpoint();
}

void Recorder::checkpoint() {
  if (error_ || sealer_.next_seq() == tree_size_signed_) return;
  const std::string note = sealer_.checkpoint();
  for (const auto& sink : sinks_) keep(sink->checkpoint(note, sealer_.head()));
  tree_size_signed_ = sealer_.next_seq();
  unsigned_since_us_.reset();
}

Room Recorder::room() const noexcept {
  Room least = Room::plenty;
  for (const auto& sink : sinks_) least = std::max(least, sink->room());
  return least;
}

void Recorder::idle() {
  for (const auto& sink : sinks_) sink->idle();
}

Result<void> Recorder::finish() {
  checkpoint();
  if (error_) return tl::unexpected(*error_);
  for (const auto& sink : sinks_) keep(sink->finish());
  if (error_) return tl::unexpected(*error_);
  return {};
}

}  // namespace dpi
