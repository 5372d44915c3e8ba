// What a pair of mirrored TCP directions tells (RFC 9293): handshake times, retransmission and
// loss, close. Per flow, fixed size, no allocation. Sequence numbers compare modulo 2^32.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dissectors/packet_view.h"
#include "probe/base/short_text.h"
#include "probe/base/time.h"
#include "probe/flow/conn_state.h"
#include "probe/flow/flow_key.h"
#include "probe/flow/sequence_holes.h"

namespace dpi {

// Zeek's letters (conn.log `history`), by the side that sent them; rendered when the initiator is
// known.
class HistoryLetters {
 public:
  static constexpr std::size_t letters_max = 32;

  // The first occurrence per side; 32 at most.
  void note(Side side, char letter) noexcept;
  [[nodiscard]] ShortText<letters_max> render(Side initiator) const noexcept;

 private:
  std::array<char, letters_max> letters_{};  // upper case: low side, lower case: high side
  std::uint8_t count_ = 0;
  std::uint32_t seen_[2] = {};
};

// Members stand by their size: a million flows have two of these each.
struct TcpSide {
  std::uint64_t acked_bytes = 0;  // of what could be seen, from the first segment on
  Timestamp start_at{};           // when the SYN that tells start_sequence was first sent
  std::int64_t rtt_us = -1;       // from the other side's SYN to this side's acknowledgement of it
  SequenceHoles holes;            // in what this side sent

  std::uint32_t next_sequence = 0;
  std::uint32_t acknowledged = 0;  // highest that the other side acknowledged of this side
  std::uint32_t first_sequence = 0;
  // Of the first byte of data: one behind the initial sequence number, told by a SYN or by its
  // answer. A SYN may be sent again with another number: the one that is acknowledged counts.
  std::uint32_t start_sequence = 0;
  std::uint32_t other_start = 0;  // of a SYN before or behind it
  // A segment beyond the window, which its receiver would drop, unless what is missing before it is
  // our loss: then it is acknowledged, or the next one follows it.
  std::uint32_t beyond_from = 0;
  std::uint32_t beyond_to = 0;
  std::uint32_t last_ack_sent = 0;

  std::uint32_t acks = 0;  // segments with ACK in this record
  std::uint32_t retransmits = 0;
  std::uint32_t out_of_order = 0;
  std::uint32_t duplicate_acks = 0;
  std::uint32_t zero_windows = 0;

  std::uint16_t last_window = 0;
  std::int8_t window_scale = unknown_scale;  // RFC 7323 §2.2; no_scale: its SYN offered none
  static constexpr std::int8_t unknown_scale = -1, no_scale = -2;
  std::uint8_t flags = 0;       // OR of all in this record
  std::uint8_t seen_flags = 0;  // OR of all
  bool syn = false;
  bool syn_ack = false;
  bool data = false;  // sent some
  bool seen = false;  // next_sequence is meaningful
  bool has_acknowledged = false;
  bool start_known = false;
  bool other_known = false;
  bool start_acknowledged = false;
  bool ack_sent = false;
  bool has_beyond = false;
  bool leapt = false;  // an acknowledgement went further beyond what was seen than a window reaches
};

class TcpTracker {
 public:
  // False: its receiver drops the segment (RFC 9293 §3.10.7.4), so it says nothing.
  bool observe(const PacketView& view, Side sender, Timestamp time) noexcept;

  // Whether this SYN or SYN/ACK belongs to another connection than the one followed here: it has
  // another initial sequence number than the one that was acknowledged (RFC 9293 §3.6.1).
  [[nodiscard]] bool starts_anew(const PacketView& view, Side sender) const noexcept;

  // Both sides sent FIN, or one sent RST.
  [[nodiscard]] bool closed() const noexcept { return states_[0].closed(); }
  [[nodiscard]] bool reset() const noexcept { return states_[0].reset(); }
  // Handshake seen whole, or data both ways without it.
  [[nodiscard]] bool established() const noexcept { return established_; }
  // A SYN was repeated so slowly that the next one may come later than a half-open flow waits.
  [[nodiscard]] Nanoseconds syn_gap() const noexcept { return syn_gap_; }
  [[nodiscard]] const TcpSide& side(Side side) const noexcept { return side_[index(side)]; }
  // Nothing of this connection comes any more: what was acknowledged behind the last segment that
  // was seen is missing for good.
  void conclude() noexcept;
  // Acknowledged by the other side but never seen here: our loss.
  [[nodiscard]] std::uint64_t gap_bytes(Side side) const noexcept;
  // The same in holes.
  [[nodiscard]] std::uint64_t gap_events(Side side) const noexcept;
  [[nodiscard]] std::string_view conn_state(Side initiator) const noexcept {
    return states_[index(initiator)].name(side_[0].data || side_[1].data);
  }
  [[nodiscard]] HistoryLetters& history() noexcept { return history_; }
  [[nodiscard]] const HistoryLetters& history() const noexcept { return history_; }

  // Microseconds from the other side's SYN to this side's acknowledgement of it; negative: not
  // measured.
  [[nodiscard]] std::int64_t rtt_us(Side side) const noexcept { return side_[index(side)].rtt_us; }

  void shift(Nanoseconds delta) noexcept {
    for (TcpSide& side : side_) side.start_at += delta;
    syn_at_ += delta;
  }
  // A record ended, the flow goes on: counters start again, sequence state stays.
  void start_record() noexcept;

 private:
  void note_letters(const PacketView& view, Side sender) noexcept;
  // True for the first of its kind, SYN or SYN/ACK, of this side.
  bool note_syn(const PacketView& view, TcpSide& from, TcpSide& to, Timestamp time) noexcept;
  void note_answer(const PacketView& view, TcpSide& from, TcpSide& to, Timestamp time) noexcept;
  [[nodiscard]] bool acceptable(const PacketView& view, TcpSide& from, TcpSide& to) const noexcept;
  [[nodiscard]] std::uint32_t window_of(const TcpSide& receiver,
                                        const TcpSide& sender) const noexcept;
  [[nodiscard]] std::uint32_t window_at_most(const TcpSide& receiver,
                                             const TcpSide& sender) const noexcept;
  void track_sequence(const PacketView& view, TcpSide& from, bool first_syn) noexcept;
  void track_acknowledgement(const PacketView& view, TcpSide& from, TcpSide& to) noexcept;

  std::array<TcpSide, 2> side_{};
  std::array<ConnState, 2> states_{};  // by who is the originator
  HistoryLetters history_;
  Timestamp syn_at_{};  // of the last SYN
  Nanoseconds syn_gap_{};
  bool established_ = false;
};

}  // namespace dpi
