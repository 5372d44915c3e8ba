// What a pair of mirrored TCP directions tells (RFC 9293): handshake times, retransmission and
// loss, close. Per flow, fixed size, no allocation. Sequence numbers compare modulo 2^32.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dissectors/packet_view.h"
#include "probe/base/time.h"
#include "probe/flow/flow_key.h"

namespace dpi {

// Zeek's letters (conn.log `history`), by the side that sent them; rendered when the initiator is
// known.
class HistoryLetters {
 public:
  // The first occurrence per side; 32 at most.
  void note(Side side, char letter) noexcept;
  [[nodiscard]] std::string render(Side initiator) const;

 private:
  static constexpr std::size_t letters_max = 32;
  std::array<char, letters_max> letters_{};  // upper case: low side, lower case: high side
  std::uint8_t count_ = 0;
  std::uint32_t seen_[2] = {};
};

struct TcpSide {
  std::uint8_t flags = 0;       // OR of all in this record
  std::uint8_t seen_flags = 0;  // OR of all
  std::uint32_t acks = 0;       // segments with ACK in this record
  bool syn = false;
  bool syn_ack = false;
  bool fin = false;
  bool rst = false;
  bool seen = false;  // next_sequence is meaningful
  std::uint32_t next_sequence = 0;
  std::uint32_t acknowledged = 0;  // highest that the other side acknowledged of this side
  bool has_acknowledged = false;
  std::uint32_t first_sequence = 0;
  std::uint32_t start_sequence = 0;  // of the first byte of data, told by a SYN or its answer
  bool start_known = false;
  std::uint32_t retransmits = 0;
  std::uint32_t out_of_order = 0;
  std::uint32_t duplicate_acks = 0;
  std::uint32_t zero_windows = 0;
  std::uint32_t last_ack_sent = 0;
  std::uint16_t last_window = 0;
  bool ack_sent = false;

  // Bytes of this side that were skipped over and not seen since: [from, to).
  struct Hole {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
  };
  static constexpr std::size_t holes_max = 4;
  std::array<Hole, holes_max> holes{};
  std::uint8_t hole_count = 0;
  std::uint64_t gap_bytes_closed = 0;  // of holes given up for room
  std::uint64_t gap_events_closed = 0;
};

class TcpTracker {
 public:
  void observe(const PacketView& view, Side sender, Timestamp time) noexcept;

  // Both sides sent FIN, or one sent RST.
  [[nodiscard]] bool closed() const noexcept { return reset() || (side_[0].fin && side_[1].fin); }
  [[nodiscard]] bool reset() const noexcept { return side_[0].rst || side_[1].rst; }
  // Handshake seen whole, or data both ways without it.
  [[nodiscard]] bool established() const noexcept { return established_; }
  [[nodiscard]] const TcpSide& side(Side side) const noexcept { return side_[index(side)]; }
  // Acknowledged by the other side but never seen here: our loss.
  [[nodiscard]] std::uint64_t gap_bytes(Side side) const noexcept;
  // The same in holes.
  [[nodiscard]] std::uint64_t gap_events(Side side) const noexcept;
  [[nodiscard]] std::string_view conn_state(Side initiator) const noexcept;
  [[nodiscard]] HistoryLetters& history() noexcept { return history_; }
  [[nodiscard]] const HistoryLetters& history() const noexcept { return history_; }

  // Microseconds; negative: not measured. To the responder: SYN → SYN/ACK; to the initiator:
  // SYN/ACK → ACK.
  [[nodiscard]] std::int64_t rtt_responder_us() const noexcept { return rtt_responder_us_; }
  [[nodiscard]] std::int64_t rtt_initiator_us() const noexcept { return rtt_initiator_us_; }

  void shift(Nanoseconds delta) noexcept {
    syn_at_ += delta;
    syn_ack_at_ += delta;
  }
  // A record ended, the flow goes on: counters start again, sequence state stays.
  void start_record() noexcept;

 private:
  void note_letters(const PacketView& view, Side sender) noexcept;
  void track_handshake(const PacketView& view, Side sender, Timestamp time) noexcept;
  void track_sequence(const PacketView& view, TcpSide& from) noexcept;
  void track_acknowledgement(const PacketView& view, TcpSide& from, TcpSide& to) noexcept;

  std::array<TcpSide, 2> side_{};
  HistoryLetters history_;
  Timestamp syn_at_{};
  Timestamp syn_ack_at_{};
  std::int64_t rtt_responder_us_ = -1;
  std::int64_t rtt_initiator_us_ = -1;
  bool established_ = false;
  Side first_fin_ = Side::low;
  Side reset_by_ = Side::low;
};

}  // namespace dpi
