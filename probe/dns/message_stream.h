// One direction of DNS over TCP (RFC 1035 §4.2.2): a byte stream → messages behind their two-byte
// length. Where the stream does not begin at its SYN, and behind bytes that never came, messages
// are found again by their content (dissectors/dns/content.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "probe/base/bytes.h"
#include "probe/base/time.h"
#include "probe/stream/byte_stream.h"

namespace dpi {

// A message, and how many bytes it had on the wire: of one that the snap length cut, what is there.
struct StreamMessage {
  Bytes bytes;
  std::size_t wire_bytes = 0;
  // When its last byte came, where it has waited behind a hole that was given up.
  std::optional<Timestamp> came_at{};
};

class MessageStream {
 public:
  explicit MessageStream(StreamMemory& memory) noexcept : memory_(memory) {
    stream_.emplace(memory, bytes_max);
  }

  static constexpr std::size_t bytes_max = 128U << 10U;
  // Segments out of order of which the ends are missing; more are holes that never fill.
  static constexpr std::size_t cuts_max = 16;
  // Segments that wait of which is known when they came.
  static constexpr std::size_t arrivals_max = 16;
  // Holes that were read past of which is known where they were.
  static constexpr std::size_t skipped_max = 4;
  // So much behind its acknowledgement a segment may be captured.
  static constexpr Nanoseconds patience = std::chrono::milliseconds{10};

  // Sequence number of the first byte, before any was added: a message begins there.
  void start(std::uint32_t first) noexcept;
  // As ByteStream's; what never came and is too much to wait on is stream_gap. Of the segment
  // `cut_bytes` more were sent and not captured.
  AnomalySet add(std::uint32_t sequence, Bytes bytes, std::size_t cut_bytes = 0,
                 Timestamp time = {});
  // The receiver has everything before: what is missing here of it will not come any more. True:
  // the first hole was given up; to be told again when what lies behind it has been read, for there
  // may be more. To be told behind add(), since captures may show an acknowledgement before what it
  // acknowledges, and in another packet: then not `at_once`, what is missing is given some time.
  [[nodiscard]] bool acknowledged(std::uint32_t sequence, Timestamp time, bool at_once) noexcept;
  // Nothing comes any more. True as above.
  [[nodiscard]] bool ended() noexcept;
  // The next message, those first that fill by themselves a part of a hole that was read past: taps
  // may deliver a query behind its response. Valid until the next change or call. To be asked until
  // there is none.
  [[nodiscard]] std::optional<StreamMessage> next();

 private:
  struct Range {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
  };
  using Cut = Range;  // bytes that were sent and not captured

  // A segment that waits behind a hole.
  struct Arrival {
    std::uint32_t end = 0;
    Timestamp time{};
  };

  void note_arrival(std::uint32_t end, Timestamp time) noexcept;
  [[nodiscard]] std::optional<Timestamp> arrival_of(std::uint32_t end) const noexcept;
  void skip_hole() noexcept;
  void note_skipped(Range hole) noexcept;
  void look_for_late(Range segment, Bytes bytes) noexcept;
  [[nodiscard]] std::optional<StreamMessage> next_late();
  void find_step();
  [[nodiscard]] bool pass_preamble() noexcept;
  [[nodiscard]] std::optional<StreamMessage> next_whole();
  [[nodiscard]] std::optional<StreamMessage> next_cut();
  void remember(Cut cut) noexcept;
  void read_on_behind_cut() noexcept;

  StreamMemory& memory_;
  std::optional<ByteStream> stream_;
  bool begun_ = false;
  bool at_head_ = false;              // nothing has been read of a stream that begins here
  bool in_step_ = false;              // a message begins at the next readable byte
  std::array<Cut, cuts_max> cuts_{};  // by sequence; none behind what is readable
  std::size_t cut_count_ = 0;
  std::array<Arrival, arrivals_max> arrivals_{};
  std::size_t arrival_count_ = 0;
  std::array<Range, skipped_max> skipped_{};  // the oldest is overwritten
  std::size_t next_skipped_ = 0;
  ByteBuffer late_;  // of the segment that was added last; until it is read
  std::size_t late_at_ = 0;
  bool told_cut_ = false;                  // what was there before it was handed out
  std::optional<Timestamp> missed_since_;  // what was acknowledged and is not there
};

}  // namespace dpi
