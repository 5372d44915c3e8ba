#include "probe/flow/tcp_tracker.h"

#include <algorithm>

namespace dpi {
namespace {

// a before b on the circle of sequence numbers (RFC 9293 §3.4).
constexpr bool before(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) < 0;
}

constexpr bool has(std::uint8_t flags, std::uint8_t flag) noexcept {
  return (flags & flag) != 0;
}

std::int64_t microseconds(Nanoseconds d) noexcept {
  return d.count() / 1000;
}

// What a segment occupies: its bytes, and one each for SYN and FIN.
std::uint32_t sequence_length(const PacketView& view) noexcept {
  return view.payload_bytes + (has(view.tcp.flags, tcp_flag::syn) ? 1U : 0U) +
         (has(view.tcp.flags, tcp_flag::fin) ? 1U : 0U);
}

// Fills [from, to) of the holes; true when any of it was one.
bool fill_holes(TcpSide& side, std::uint32_t from, std::uint32_t to) noexcept {
  bool filled = false;
  for (std::uint8_t i = 0; i < side.hole_count;) {
    TcpSide::Hole& hole = side.holes[i];
    if (!before(from, hole.to) || !before(hole.from, to)) {
      ++i;
      continue;
    }
    filled = true;
    const bool keeps_head = before(hole.from, from);
    const bool keeps_tail = before(to, hole.to);
    if (keeps_head && keeps_tail && side.hole_count < TcpSide::holes_max) {
      side.holes[side.hole_count++] = {to, hole.to};
    }
    if (keeps_head) {
      hole.to = from;
    } else if (keeps_tail) {
      hole.from = to;
    } else {
      hole = side.holes[--side.hole_count];
      continue;
    }
    ++i;
  }
  return filled;
}

void add_hole(TcpSide& side, std::uint32_t from, std::uint32_t to) noexcept {
  if (side.hole_count == TcpSide::holes_max) {
    side.gap_bytes_closed += side.holes[0].to - side.holes[0].from;
    ++side.gap_events_closed;
    std::rotate(side.holes.begin(), side.holes.begin() + 1, side.holes.end());
    --side.hole_count;
  }
  side.holes[side.hole_count++] = {from, to};
}

}  // namespace

void HistoryLetters::note(Side side, char letter) noexcept {
  const std::uint32_t bit = 1U << static_cast<std::uint32_t>(letter - 'a');
  if ((seen_[index(side)] & bit) != 0 || count_ == letters_max) return;
  seen_[index(side)] |= bit;
  letters_[count_++] = side == Side::low ? static_cast<char>(letter - 'a' + 'A') : letter;
}

std::string HistoryLetters::render(Side initiator) const {
  std::string out;
  for (std::uint8_t i = 0; i < count_; ++i) {
    const bool low = letters_[i] < 'a';
    const char letter = low ? static_cast<char>(letters_[i] - 'A' + 'a') : letters_[i];
    const bool by_initiator = low == (initiator == Side::low);
    out.push_back(by_initiator ? static_cast<char>(letter - 'a' + 'A') : letter);
  }
  return out;
}

void TcpTracker::note_letters(const PacketView& view, Side sender) noexcept {
  const std::uint8_t flags = view.tcp.flags;
  const bool syn = has(flags, tcp_flag::syn);
  const bool fin = has(flags, tcp_flag::fin);
  const bool rst = has(flags, tcp_flag::rst);
  if (static_cast<int>(syn) + static_cast<int>(fin) + static_cast<int>(rst) > 1)
    history_.note(sender, 'q');
  if (syn) history_.note(sender, has(flags, tcp_flag::ack) ? 'h' : 's');
  if (!syn && !rst && has(flags, tcp_flag::ack) && view.payload_bytes == 0 && !fin)
    history_.note(sender, 'a');
  if (view.payload_bytes > 0) {
    if (has(flags, tcp_flag::ack)) history_.note(sender, 'a');
    history_.note(sender, 'd');
  }
  if (fin) history_.note(sender, 'f');
  if (rst) history_.note(sender, 'r');
}

void TcpTracker::track_handshake(const PacketView& view, Side sender, Timestamp time) noexcept {
  const std::uint8_t flags = view.tcp.flags;
  TcpSide& from = side_[index(sender)];
  TcpSide& to = side_[index(other(sender))];
  if (has(flags, tcp_flag::syn)) {
    from.start_sequence = view.tcp.sequence + 1;
    from.start_known = true;
    if (has(flags, tcp_flag::ack) && !to.start_known) {
      to.start_sequence = view.tcp.acknowledgement;
      to.start_known = true;
    }
  }
  if (has(flags, tcp_flag::syn) && !has(flags, tcp_flag::ack)) {
    if (!from.syn) syn_at_ = time;
    from.syn = true;
  } else if (has(flags, tcp_flag::syn)) {
    if (!from.syn_ack) {
      syn_ack_at_ = time;
      if (to.syn && time >= syn_at_) rtt_responder_us_ = microseconds(time - syn_at_);
    }
    from.syn_ack = true;
  } else if (has(flags, tcp_flag::ack) && to.syn_ack && !established_) {
    established_ = true;
    if (from.syn && time >= syn_ack_at_) rtt_initiator_us_ = microseconds(time - syn_ack_at_);
  }
  // Joined in the middle: data or acknowledgements both ways.
  if (!from.syn && !from.syn_ack && !to.syn && !to.syn_ack && from.seen && to.seen)
    established_ = true;
  if (has(flags, tcp_flag::fin)) {
    if (!from.fin && !to.fin) first_fin_ = sender;
    from.fin = true;
  }
  if (has(flags, tcp_flag::rst)) {
    if (!from.rst && !to.rst) reset_by_ = sender;
    from.rst = true;
  }
}

void TcpTracker::track_sequence(const PacketView& view, TcpSide& from) noexcept {
  const std::uint32_t start = view.tcp.sequence;
  const std::uint32_t length = sequence_length(view);
  const std::uint32_t end = start + length;
  if (!from.seen) {
    from.seen = true;
    from.first_sequence = start;
    from.next_sequence = end;
    return;
  }
  if (has(view.tcp.flags, tcp_flag::rst)) return;  // resets often carry a made-up sequence
  if (length == 0) return;
  if (before(from.next_sequence, start)) {
    add_hole(from, from.next_sequence, start);
    from.next_sequence = end;
    return;
  }
  if (start == from.next_sequence) {
    from.next_sequence = end;
    return;
  }
  // RFC 9293 §3.8.4: a keep-alive probe repeats the last byte, or none.
  const bool keep_alive = view.payload_bytes <= 1 && start + 1 == from.next_sequence &&
                          !has(view.tcp.flags, tcp_flag::syn) &&
                          !has(view.tcp.flags, tcp_flag::fin);
  if (fill_holes(from, start, end)) {
    ++from.out_of_order;
  } else if (!keep_alive) {
    ++from.retransmits;
  }
  if (before(from.next_sequence, end)) from.next_sequence = end;
}

void TcpTracker::track_acknowledgement(const PacketView& view, TcpSide& from,
                                       TcpSide& to) noexcept {
  if (!has(view.tcp.flags, tcp_flag::ack) || has(view.tcp.flags, tcp_flag::rst)) return;
  const std::uint32_t ack = view.tcp.acknowledgement;
  const bool bare = view.payload_bytes == 0 && !has(view.tcp.flags, tcp_flag::syn) &&
                    !has(view.tcp.flags, tcp_flag::fin);
  if (from.ack_sent && bare && ack == from.last_ack_sent && view.tcp.window == from.last_window &&
      to.seen && before(ack, to.next_sequence)) {
    ++from.duplicate_acks;
  }
  from.ack_sent = true;
  from.last_ack_sent = ack;
  from.last_window = view.tcp.window;
  if (!to.has_acknowledged || before(to.acknowledged, ack)) {
    to.acknowledged = ack;
    to.has_acknowledged = true;
  }
  if (view.tcp.window == 0 && !has(view.tcp.flags, tcp_flag::syn)) {
    ++from.zero_windows;
  }
}

void TcpTracker::observe(const PacketView& view, Side sender, Timestamp time) noexcept {
  TcpSide& from = side_[index(sender)];
  TcpSide& to = side_[index(other(sender))];
  from.flags |= view.tcp.flags;
  from.seen_flags |= view.tcp.flags;
  if (has(view.tcp.flags, tcp_flag::ack)) ++from.acks;
  const std::uint32_t retransmits = from.retransmits;
  const std::uint32_t zero_windows = from.zero_windows;
  track_sequence(view, from);
  track_acknowledgement(view, from, to);
  track_handshake(view, sender, time);
  note_letters(view, sender);
  if (from.retransmits != retransmits) history_.note(sender, 't');
  if (from.zero_windows != zero_windows) history_.note(sender, 'w');
}

std::uint64_t TcpTracker::gap_bytes(Side side) const noexcept {
  const TcpSide& s = side_[index(side)];
  std::uint64_t sum = s.gap_bytes_closed;
  for (std::uint8_t i = 0; i < s.hole_count; ++i) {
    const auto& hole = s.holes[i];
    if (s.has_acknowledged && !before(s.acknowledged, hole.to)) sum += hole.to - hole.from;
  }
  return sum;
}

std::uint64_t TcpTracker::gap_events(Side side) const noexcept {
  const TcpSide& s = side_[index(side)];
  std::uint64_t count = s.gap_events_closed;
  for (std::uint8_t i = 0; i < s.hole_count; ++i)
    count += s.has_acknowledged && !before(s.acknowledged, s.holes[i].to) ? 1U : 0U;
  return count;
}

// Zeek's 13 names (conn.log `conn_state`).
std::string_view TcpTracker::conn_state(Side initiator) const noexcept {
  const TcpSide& o = side_[index(initiator)];
  const TcpSide& r = side_[index(other(initiator))];
  const bool answered = r.syn_ack || r.syn;
  if (o.syn && !answered) {
    if (r.rst) return "REJ";
    if (o.rst) return "RSTOS0";
    if (o.fin) return "SH";
    return r.seen ? "OTH" : "S0";
  }
  if (!o.syn && r.syn_ack) {
    if (r.rst) return "RSTRH";
    if (r.fin) return "SHR";
  }
  if (o.syn && answered) {
    if (reset()) {
      if (!established_ && r.rst) return "REJ";
      return (reset_by_ == initiator) ? "RSTO" : "RSTR";
    }
    if (o.fin && r.fin) return "SF";
    if (o.fin) return "S2";
    if (r.fin) return "S3";
    return "S1";
  }
  return "OTH";
}

void TcpTracker::start_record() noexcept {
  for (TcpSide& s : side_) {
    s.flags = 0;
    s.retransmits = s.out_of_order = s.duplicate_acks = s.zero_windows = 0;
    s.gap_bytes_closed = 0;
    s.gap_events_closed = 0;
    s.acks = 0;
    s.hole_count = 0;
  }
  history_ = {};
}

}  // namespace dpi
