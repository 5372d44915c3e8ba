#include "probe/flow/conn_state.h"

#include "dissectors/packet_view.h"

namespace dpi {
namespace {

constexpr bool has(std::uint8_t flags, std::uint8_t flag) noexcept {
  return (flags & flag) != 0;
}

constexpr int control_flags(std::uint8_t flags) noexcept {
  return (has(flags, tcp_flag::syn) ? 1 : 0) + (has(flags, tcp_flag::fin) ? 1 : 0) +
         (has(flags, tcp_flag::rst) ? 1 : 0);
}

}  // namespace

// RSTOS0 is only said where the originator sent SYNs, data perhaps, and a RST: no bare ACK, no FIN,
// no SYN/ACK, no mixture of control flags.
void ConnState::note_attempt(std::uint8_t flags, std::uint32_t payload_bytes,
                             bool by_originator) noexcept {
  const int controls = control_flags(flags);
  const bool attempt = controls == 1 && has(flags, tcp_flag::syn) && !has(flags, tcp_flag::ack);
  if (!began_) only_attempts_ = by_originator && attempt;
  began_ = true;
  if (!by_originator || originator_rst_) return;
  if (controls == 1 && has(flags, tcp_flag::rst)) {
    originator_rst_ = true;
    reset_attempt_ = only_attempts_;
  } else if (!attempt && (controls > 0 || (payload_bytes == 0 && has(flags, tcp_flag::ack)))) {
    only_attempts_ = false;
  }
}

// An endpoint's first packet.
void ConnState::begin(std::uint8_t flags, std::uint32_t payload_bytes,
                      bool by_originator) noexcept {
  End& end = by_originator ? originator_ : responder_;
  End& peer = by_originator ? responder_ : originator_;
  if (has(flags, tcp_flag::syn)) {
    if (by_originator) {
      // Captured behind its own answer, it opens what the answer has opened.
      const bool answered = peer.state == State::established;
      end.become(has(flags, tcp_flag::ack) ? State::syn_ack_sent
                 : answered                ? State::established
                                           : State::syn_sent);
    } else {
      if (peer.state == State::syn_sent) peer.become(State::established);
      end.become(State::established);
    }
  }
  if (has(flags, tcp_flag::fin)) end.become(State::closed);
  if (has(flags, tcp_flag::rst)) end.become(State::reset);
  if (end.state != State::inactive) return;
  // A bare ACK before the SYN/ACK (a split handshake) says nothing yet.
  if (!by_originator && payload_bytes == 0 && peer.state == State::syn_sent) return;
  // The SYN was not captured, but its answer was.
  const bool answers = has(flags, tcp_flag::ack) && peer.state == State::established;
  end.become(answers ? State::established : State::partial);
}

void ConnState::go_on(End& end, End& peer, std::uint8_t flags) noexcept {
  const bool fin = has(flags, tcp_flag::fin);
  const bool rst = has(flags, tcp_flag::rst);
  switch (end.state) {
    case State::syn_sent:
    case State::syn_ack_sent:
      if (fin) end.become(State::closed);
      if (rst) end.become(State::reset);
      return;
    case State::partial:
    case State::established:
      if (has(flags, tcp_flag::syn) && !has(flags, tcp_flag::ack) && end.state == State::partial &&
          peer.state == State::inactive) {
        end.become(State::syn_sent);
      }
      if (fin && !rst) {
        end.become(State::closed);
        // FIN, RST, and now the peer's FIN: an orderly close after all.
        if (peer.state == State::reset && peer.before == State::closed) peer.become(State::closed);
      }
      if (rst) end.become(State::reset);
      return;
    case State::closed:
      // Behind the FINs of both a RST changes nothing.
      if (rst && peer.state != State::closed) end.become(State::reset);
      return;
    default:
      return;
  }
}

void ConnState::observe(std::uint8_t flags, std::uint32_t payload_bytes,
                        bool by_originator) noexcept {
  note_attempt(flags, payload_bytes, by_originator);
  End& end = by_originator ? originator_ : responder_;
  if (end.state == State::inactive) {
    begin(flags, payload_bytes, by_originator);
  } else if (control_flags(flags) > 0) {
    go_on(end, by_originator ? responder_ : originator_, flags);
  }
}

bool ConnState::reset() const noexcept {
  return originator_.state == State::reset || responder_.state == State::reset;
}

bool ConnState::closed() const noexcept {
  return reset() || (originator_.state == State::closed && responder_.state == State::closed);
}

std::string_view ConnState::name(bool data) const noexcept {
  const State o = originator_.state;
  const State r = responder_.state;
  const auto unopened = [](State s) { return s == State::inactive || s == State::partial; };
  if (r == State::reset) {
    if (o == State::syn_sent || o == State::syn_ack_sent || (o == State::reset && !data))
      return "REJ";
    return unopened(o) ? "RSTRH" : "RSTR";
  }
  if (o == State::reset) {
    if (!unopened(r)) return "RSTO";
    return reset_attempt_ ? "RSTOS0" : "OTH";
  }
  if (o == State::closed && r == State::closed) return "SF";
  if (o == State::closed) return unopened(r) ? "SH" : "S2";
  if (r == State::closed) return unopened(o) ? "SHR" : "S3";
  if (o == State::syn_sent && r == State::inactive) return "S0";
  if (o == State::established && r == State::established) return "S1";
  return "OTH";
}

}  // namespace dpi
