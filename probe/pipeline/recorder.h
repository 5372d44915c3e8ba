// The one place where events become part of the chain: seals, hands to the sinks, closes
// checkpoints. The first sink error is kept and ends recording: nothing is sealed that nobody
// keeps.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "probe/envelope/sealer.h"
#include "probe/store/event_sink.h"

namespace dpi {

class Recorder {
 public:
  Recorder(Sealer sealer, std::vector<std::unique_ptr<EventSink>> sinks,
           std::uint64_t checkpoint_events);

  void record(const EncodedEvent& event, const SealTime& time);
  // A checkpoint over everything so far, if something is not yet covered.
  void checkpoint();
  // The last checkpoint, and every sink's end.
  [[nodiscard]] Result<void> finish();

  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  [[nodiscard]] std::uint64_t events_sealed() const noexcept { return sealer_.next_seq(); }
  [[nodiscard]] std::uint64_t tree_size_signed() const noexcept { return tree_size_signed_; }
  [[nodiscard]] const Sealer& sealer() const noexcept { return sealer_; }

 private:
  void keep(const Result<void>& result);

  Sealer sealer_;
  std::vector<std::unique_ptr<EventSink>> sinks_;
  std::uint64_t checkpoint_events_;
  std::uint64_t tree_size_signed_ = 0;
  std::optional<Error> error_;
};

}  // namespace dpi
