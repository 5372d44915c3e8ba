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

  // The least that any sink has.
  [[nodiscard]] Room room() const noexcept;
  void record(const EncodedEvent& event, const SealTime& time);
  // The event key.rotate, and the checkpoint that both keys sign; the chain goes on under `next`.
  void rotate_key(SigningKey next, const EncodedEvent& event, const SealTime& time);
  // A checkpoint over everything so far, if something is not yet covered.
  void checkpoint();
  // The last checkpoint, and every sink's end.
  [[nodiscard]] Result<void> finish();
  // For a live probe: sinks may try again.
  void idle();

  [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }
  [[nodiscard]] std::uint64_t events_sealed() const noexcept { return sealer_.next_seq(); }
  [[nodiscard]] std::uint64_t tree_size_signed() const noexcept { return tree_size_signed_; }
  // CLOCK_BOOTTIME of the oldest event that no checkpoint covers yet.
  [[nodiscard]] std::optional<std::uint64_t> unsigned_since_us() const noexcept {
    return unsigned_since_us_;
  }
  [[nodiscard]] const Sealer& sealer() const noexcept { return sealer_; }

 private:
  void keep(const Result<void>& result);

  Sealer sealer_;
  std::vector<std::unique_ptr<EventSink>> sinks_;
  std::uint64_t checkpoint_events_;
  std::uint64_t tree_size_signed_ = 0;
  std::optional<std::uint64_t> unsigned_since_us_;
  std::optional<Error> error_;
};

}  // namespace dpi
