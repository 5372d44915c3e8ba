// Zeek's `conn_state` (conn.log), computed as Zeek does: a state for each endpoint, moved by flags
// alone, and a name for the pair of them. Who began a conversation may be known only later, and an
// endpoint's first packet means another thing when it comes from the originator: one instance for
// each answer.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace dpi {

class ConnState {
 public:
  void observe(std::uint8_t flags, std::uint32_t payload_bytes, bool by_originator) noexcept;

  // `data`: either side sent some.
  [[nodiscard]] std::string_view name(bool data) const noexcept;
  // One endpoint has reset the connection, and no orderly close makes that meaningless.
  [[nodiscard]] bool reset() const noexcept;
  // Both have sent FIN, or one has reset.
  [[nodiscard]] bool closed() const noexcept;

 private:
  enum class State : std::uint8_t {
    inactive,
    syn_sent,
    syn_ack_sent,
    partial,  // joined in the middle
    established,
    closed,
    reset,
  };
  struct End {
    State state = State::inactive;
    State before = State::inactive;

    void become(State next) noexcept {
      if (next == state) return;
      before = state;
      state = next;
    }
  };

  void note_attempt(std::uint8_t flags, std::uint32_t payload_bytes, bool by_originator) noexcept;
  void begin(std::uint8_t flags, std::uint32_t payload_bytes, bool by_originator) noexcept;
  static void go_on(End& end, End& peer, std::uint8_t flags) noexcept;

  End originator_;
  End responder_;
  bool began_ = false;
  bool only_attempts_ = false;   // it began with the originator's SYN, who sent nothing but such
  bool reset_attempt_ = false;   // and then a RST
  bool originator_rst_ = false;  // it sent a RST: what follows does not count for that
};

}  // namespace dpi
