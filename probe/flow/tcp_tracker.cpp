#include "probe/flow/tcp_tracker.h"

#include <algorithm>
#include <utility>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr bool before(std::uint32_t a, std::uint32_t b) noexcept {
  return sequence_before(a, b);
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

constexpr std::uint32_t far = 1U << 30U;  // no window reaches further (RFC 7323 §2.3)

constexpr std::uint32_t distance(std::uint32_t a, std::uint32_t b) noexcept {
  return before(a, b) ? b - a : a - b;
}

bool is_gap(const TcpSide& side, const SequenceHoles::Hole& hole) noexcept {
  return side.has_acknowledged && !before(side.acknowledged, hole.to);
}

// Behind everything that this side has sent, as far as anybody tells.
std::uint32_t newest_of(const TcpSide& side) noexcept {
  return side.has_acknowledged && before(side.next_sequence, side.acknowledged)
             ? side.acknowledged
             : side.next_sequence;
}

// The connection's numbers begin here, and nothing of it was sent before.
void renumber(TcpSide& side, std::uint32_t start) noexcept {
  side.start_sequence = start;
  side.first_sequence = start - 1;
  side.next_sequence = start;
  side.holes.clear();
  side.has_beyond = false;
}

// RFC 7323 §2.2: option 3 of a SYN.
std::int8_t offered_scale(Bytes header) noexcept {
  constexpr std::uint8_t end = 0, nothing = 1, scale = 3, scale_max = 14;
  ByteCursor in(header);
  in.skip(12);
  const std::size_t options = (in.u8() >> 4U) * std::size_t{4};
  in.skip(7);
  if (!in.ok() || options < 20 || options > header.size()) return TcpSide::unknown_scale;
  in = ByteCursor(header.subspan(20, options - 20));
  while (in.left() > 0) {
    const std::uint8_t kind = in.u8();
    if (kind == end) break;
    if (kind == nothing) continue;
    const std::uint8_t length = in.u8();
    if (!in.ok() || length < 2) break;
    if (kind == scale && length == 3) return static_cast<std::int8_t>(std::min(in.u8(), scale_max));
    in.skip(length - 2U);
  }
  return TcpSide::no_scale;
}

}  // namespace

void HistoryLetters::note(Side side, char letter) noexcept {
  const std::uint32_t bit = 1U << static_cast<std::uint32_t>(letter - 'a');
  if ((seen_[index(side)] & bit) != 0 || count_ == letters_max) return;
  seen_[index(side)] |= bit;
  letters_[count_++] = side == Side::low ? static_cast<char>(letter - 'a' + 'A') : letter;
}

ShortText<HistoryLetters::letters_max> HistoryLetters::render(Side initiator) const noexcept {
  ShortText<letters_max> out;
  for (std::uint8_t i = 0; i < count_; ++i) {
    const bool low = letters_[i] < 'a';
    const char letter = low ? static_cast<char>(letters_[i] - 'A' + 'a') : letters_[i];
    const bool by_initiator = low == (initiator == Side::low);
    out.push_back(by_initiator ? static_cast<char>(letter - 'a' + 'A') : letter);
  }
  return out;
}

// One letter a segment, as Zeek's update_history chooses it: a flag outranks data, data an
// acknowledgement.
void TcpTracker::note_letters(const PacketView& view, Side sender) noexcept {
  const std::uint8_t flags = view.tcp.flags;
  const bool syn = has(flags, tcp_flag::syn);
  const bool fin = has(flags, tcp_flag::fin);
  const bool rst = has(flags, tcp_flag::rst);
  if (fin && rst) {
    history_.note(sender, 'i');
  } else if (syn && (fin || rst)) {
    history_.note(sender, 'q');
  } else if (syn) {
    history_.note(sender, has(flags, tcp_flag::ack) ? 'h' : 's');
  } else if (fin) {
    history_.note(sender, 'f');
  } else if (rst) {
    history_.note(sender, 'r');
  } else if (view.payload_bytes > 0) {
    history_.note(sender, 'd');
  } else if (has(flags, tcp_flag::ack)) {
    history_.note(sender, 'a');
  }
}

bool TcpTracker::starts_anew(const PacketView& view, Side sender) const noexcept {
  const std::uint8_t flags = view.tcp.flags;
  if (!has(flags, tcp_flag::syn) || has(flags, tcp_flag::rst)) return false;
  const TcpSide& from = side_[index(sender)];
  const TcpSide& to = side_[index(other(sender))];
  const std::uint32_t start = view.tcp.sequence + 1;
  if (from.start_known) {
    if (start == from.start_sequence || (from.other_known && start == from.other_start))
      return false;
  } else if (from.seen) {  // joined in the middle: its own SYN comes late, just before the rest
    if (start - from.first_sequence == 0 || from.first_sequence - start < 1U << 20U) return false;
  } else if (from.has_acknowledged && from.acknowledged - start < 1U << 20U) {
    return false;
  }
  if (closed()) return true;
  if (!has(flags, tcp_flag::ack)) {
    // The other half of a simultaneous open or a split handshake (RFC 9293 §3.5).
    if (!from.start_known && to.syn) return false;
    return from.start_known ? from.start_acknowledged : from.seen || from.has_acknowledged;
  }
  // An answer to a SYN that was not captured.
  const std::uint32_t answered = view.tcp.acknowledgement;
  const bool to_this = to.start_known && (answered == to.start_sequence ||
                                          (to.other_known && answered == to.other_start));
  return from.start_known && from.start_acknowledged && !to_this;
}

bool TcpTracker::note_syn(const PacketView& view, TcpSide& from, TcpSide& to,
                          Timestamp time) noexcept {
  const std::uint32_t start = view.tcp.sequence + 1;
  const bool answer = has(view.tcp.flags, tcp_flag::ack);
  const bool first = !std::exchange(answer ? from.syn_ack : from.syn, true);
  if (from.window_scale == TcpSide::unknown_scale) from.window_scale = offered_scale(view.l4);
  if (!from.start_known) {
    from.start_sequence = start;
    from.start_known = true;
    from.start_at = time;
  } else if (start != from.start_sequence && !from.start_acknowledged) {
    from.other_start = from.start_sequence;
    from.other_known = true;
    renumber(from, start);
    from.next_sequence = start - 1;
    from.start_at = time;
  } else if (!answer && !to.syn_ack) {
    syn_gap_ = time - syn_at_;
  }
  if (!answer) syn_at_ = time;
  if (from.seen && start == from.start_sequence && before(view.tcp.sequence, from.first_sequence))
    from.first_sequence = view.tcp.sequence;
  if (answer && !to.start_known) {
    to.start_sequence = view.tcp.acknowledgement;
    to.start_known = to.start_acknowledged = true;
  }
  return first;
}

// An acknowledgement of the other side's SYN tells which of its initial sequence numbers counts.
void TcpTracker::note_answer(const PacketView& view, TcpSide& from, TcpSide& to,
                             Timestamp time) noexcept {
  const std::uint32_t ack = view.tcp.acknowledgement;
  const bool of_other_start = to.other_known && ack == to.other_start;
  const bool of_unseen_start = has(view.tcp.flags, tcp_flag::syn) && !of_other_start &&
                               ack - to.start_sequence > to.next_sequence - to.start_sequence;
  if (to.start_known && !to.start_acknowledged && of_unseen_start) {
    // The SYN that it answers is captured behind it, if at all.
    to.other_start = ack;
    to.other_known = true;
  } else if (to.start_known && !to.start_acknowledged) {
    if (of_other_start) {
      std::swap(to.start_sequence, to.other_start);
      renumber(to, to.start_sequence);
    }
    if (ack - to.start_sequence < far) {
      to.start_acknowledged = true;
      // Of a SYN/ACK only when the SYN that it answers was seen: else nobody knows who waits.
      const bool measured = to.syn || from.syn;
      if (measured && ack == to.start_sequence && time >= to.start_at)
        from.rtt_us = microseconds(time - to.start_at);
    }
  }
  if (!has(view.tcp.flags, tcp_flag::syn) && to.syn_ack) established_ = true;
}

// How far this side may send, as the other side has said last.
std::uint32_t TcpTracker::window_of(const TcpSide& receiver, const TcpSide& sender) const noexcept {
  if (receiver.window_scale == TcpSide::unknown_scale ||
      sender.window_scale == TcpSide::unknown_scale) {
    return far;
  }
  const bool scaled = receiver.window_scale >= 0 && sender.window_scale >= 0;
  const auto shift = static_cast<unsigned>(scaled ? receiver.window_scale : 0);
  // One may have been opened wider before than it is now.
  return std::max(std::uint32_t{0xffffU} << shift, std::uint32_t{receiver.last_window} << shift);
}

// Where no scale was told, what was advertised with the largest one (RFC 7323 §2.3); a window that
// is nearly closed was open before.
std::uint32_t TcpTracker::window_at_most(const TcpSide& receiver,
                                         const TcpSide& sender) const noexcept {
  constexpr unsigned scale_max = 14;
  constexpr std::uint16_t open_min = 512;
  return std::min(window_of(receiver, sender),
                  std::uint32_t{std::max(receiver.last_window, open_min)} << scale_max);
}

bool TcpTracker::acceptable(const PacketView& view, TcpSide& from, TcpSide& to) const noexcept {
  const std::uint32_t sequence = view.tcp.sequence;
  const std::uint32_t window = window_of(to, from);
  const bool rst = has(view.tcp.flags, tcp_flag::rst);
  if (has(view.tcp.flags, tcp_flag::syn)) return true;
  if (has(view.tcp.flags, tcp_flag::ack) && to.seen) {
    const std::uint32_t ack = view.tcp.acknowledgement;
    const bool of_other_start = to.other_known && ack == to.other_start;
    // In answer to a SYN only what acknowledges it counts, the rest is an old connection's (RFC
    // 9293 §3.5.1, §3.10.7.3); a refusal acknowledges nothing else.
    if (!from.seen && to.start_known && !to.start_acknowledged && !of_other_start) {
      const std::uint32_t isn = to.start_sequence - 1;
      if (ack - isn > (rst ? to.next_sequence - isn : far)) return false;
    }
    // What was never sent cannot be acknowledged; some of it may be our loss.
    if (!rst && !of_other_start && distance(newest_of(to), ack) > window_of(from, to)) return false;
  }
  if (!from.seen) return true;
  if (!from.start_acknowledged && from.other_known && sequence == from.other_start) return true;
  const std::uint32_t newest = newest_of(from);
  if (rst) {
    // RFC 5961 §3.2: inside the window or it is an attack.
    if (from.has_acknowledged && before(sequence, from.acknowledged)) return false;
    // Nor does a RST end the SYN of its sender that answers an old connection (RFC 9293 §3.5.1).
    constexpr std::uint32_t unanswered_max = 0xffff;
    const bool unanswered = from.start_known && !from.start_acknowledged;
    return distance(newest, sequence) <= (unanswered ? unanswered_max : window);
  }
  const std::uint32_t end = sequence + sequence_length(view);
  if (distance(newest, sequence) <= window || distance(newest, end) <= window) return true;
  if (before(sequence, newest)) return false;
  const bool follows = from.has_beyond && sequence == from.beyond_to;
  from.beyond_from = follows ? from.beyond_from : sequence;
  from.beyond_to = end;
  from.has_beyond = true;
  return follows;
}

// `first_syn`: it lies before all that was followed, or has an ACK now (simultaneous open).
void TcpTracker::track_sequence(const PacketView& view, TcpSide& from, bool first_syn) noexcept {
  std::uint32_t start = view.tcp.sequence;
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
  if (!from.start_acknowledged && from.other_known && start == from.other_start) {
    std::swap(from.start_sequence, from.other_start);
    renumber(from, from.start_sequence);
    from.start_acknowledged = true;  // by its sender, for all that can be seen
  }
  if (from.has_beyond && start == from.beyond_to) start = from.beyond_from;
  from.has_beyond = false;
  if (before(from.next_sequence, start)) {
    from.holes.add(from.next_sequence, start);
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
  if (from.holes.fill(start, end)) {
    ++from.out_of_order;
  } else if (!keep_alive && !first_syn) {
    ++from.retransmits;
  }
  if (before(from.next_sequence, end)) from.next_sequence = end;
}

void TcpTracker::track_acknowledgement(const PacketView& view, TcpSide& from,
                                       TcpSide& to) noexcept {
  if (!has(view.tcp.flags, tcp_flag::ack) || has(view.tcp.flags, tcp_flag::rst)) return;
  const std::uint32_t ack = view.tcp.acknowledgement;
  // Of a SYN that is captured behind its answer: of what was seen it acknowledges nothing.
  if (to.other_known && !to.start_acknowledged && ack == to.other_start) return;
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
    if (to.seen) {
      const std::uint32_t newest = newest_of(to);
      if (before(newest, ack) && ack - newest > window_at_most(from, to)) to.leapt = true;
      const bool counted = to.has_acknowledged && before(to.first_sequence, to.acknowledged);
      const std::uint32_t since = counted ? to.acknowledged : to.first_sequence;
      if (before(since, ack)) to.acked_bytes += ack - since;
    }
    to.acknowledged = ack;
    to.has_acknowledged = true;
  }
  if (to.has_beyond && ack - to.beyond_from < far && ack != to.beyond_from) {
    // It was received after all: what lies before it is our loss.
    to.holes.add(to.next_sequence, to.beyond_from);
    to.next_sequence = to.beyond_to;
    to.has_beyond = false;
  }
  if (view.tcp.window == 0 && !has(view.tcp.flags, tcp_flag::syn)) {
    ++from.zero_windows;
  }
}

bool TcpTracker::observe(const PacketView& view, Side sender, Timestamp time) noexcept {
  TcpSide& from = side_[index(sender)];
  TcpSide& to = side_[index(other(sender))];
  const std::uint8_t flags = view.tcp.flags;
  from.flags |= flags;
  from.seen_flags |= flags;
  if (has(flags, tcp_flag::ack)) ++from.acks;
  if (!acceptable(view, from, to)) return false;
  const std::uint32_t retransmits = from.retransmits;
  const std::uint32_t zero_windows = from.zero_windows;
  const bool first_syn = has(flags, tcp_flag::syn) && note_syn(view, from, to, time);
  if (has(flags, tcp_flag::ack) && !has(flags, tcp_flag::rst)) note_answer(view, from, to, time);
  track_sequence(view, from, first_syn);
  track_acknowledgement(view, from, to);
  // Joined in the middle: data or acknowledgements both ways.
  const bool handshake = from.syn || from.syn_ack || to.syn || to.syn_ack;
  if (!handshake && from.seen && to.seen) established_ = true;
  if (view.payload_bytes > 0 && !has(flags, tcp_flag::rst)) from.data = true;
  states_[0].observe(flags, view.payload_bytes, sender == Side::low);
  states_[1].observe(flags, view.payload_bytes, sender == Side::high);
  note_letters(view, sender);
  if (from.retransmits != retransmits) history_.note(sender, 't');
  if (from.zero_windows != zero_windows) history_.note(sender, 'w');
  return true;
}

// As far as the last acknowledgement goes: one beyond it that was taken back was nobody's. A single
// number is a FIN that was lost, which is no byte.
void TcpTracker::conclude() noexcept {
  constexpr std::uint32_t fin = 1;
  for (const Side sender : {Side::low, Side::high}) {
    TcpSide& from = side_[index(sender)];
    const TcpSide& to = side_[index(other(sender))];
    // What only a RST told is made up.
    const bool numbered = from.syn || from.syn_ack || from.data || from.ack_sent;
    if (!from.seen || !numbered || !from.has_acknowledged || from.leapt) continue;
    const std::uint32_t acknowledged =
        before(to.last_ack_sent, from.acknowledged) ? to.last_ack_sent : from.acknowledged;
    if (before(from.next_sequence + fin, acknowledged))
      from.holes.add(from.next_sequence, acknowledged);
  }
}

std::uint64_t TcpTracker::gap_bytes(Side side) const noexcept {
  const TcpSide& s = side_[index(side)];
  std::uint64_t sum = 0;
  for (const SequenceHoles::Hole& hole : s.holes.all())
    if (is_gap(s, hole)) sum += hole.missing;
  return sum;
}

std::uint64_t TcpTracker::gap_events(Side side) const noexcept {
  const TcpSide& s = side_[index(side)];
  std::uint64_t count = 0;
  for (const SequenceHoles::Hole& hole : s.holes.all())
    if (is_gap(s, hole)) count += hole.parts;
  return count;
}

void TcpTracker::start_record() noexcept {
  for (TcpSide& s : side_) {
    s.flags = 0;
    s.retransmits = s.out_of_order = s.duplicate_acks = s.zero_windows = 0;
    s.acks = 0;
    // Its gaps are told; the other holes may still be filled or acknowledged.
    s.holes.forget([&s](const SequenceHoles::Hole& hole) { return is_gap(s, hole); });
  }
  history_ = {};
}

}  // namespace dpi
