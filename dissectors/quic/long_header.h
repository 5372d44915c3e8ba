// QUIC packets with a long header (RFC 9000 §17.2, RFC 9369 §3.2) and the frames of an Initial
// packet. Nothing is decrypted here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "probe/base/byte_cursor.h"

namespace dpi {

namespace quic_version {
inline constexpr std::uint32_t v1 = 1, v2 = 0x6b33'43cf, draft = 0xff00'0000, q050 = 0x5130'3530;
}  // namespace quic_version

enum class QuicPacketType : std::uint8_t { initial, zero_rtt, handshake, retry };

// What an Initial packet's keys are made from (RFC 9001 §5.2, RFC 9369 §3.3).
struct QuicVersion {
  std::uint32_t number = 0;
  std::array<std::uint8_t, 20> salt{};
  bool v2_labels = false;
  const QuicVersion* alternative = nullptr;  // to try when these keys do not open
  bool google_crypto = false;                // Google's handshake in the place of TLS (gquic.h)
};
// v1, v2, the drafts 23 to 34 of v1, and Google's Q050; versions reserved to provoke a negotiation
// (RFC 9000 §15), which clients protect as the version that they really speak; nothing for others.
[[nodiscard]] const QuicVersion* find_quic_version(std::uint32_t number) noexcept;

// RFC 9000 §16.
std::uint64_t quic_variable_integer(ByteCursor& in) noexcept;

struct QuicLongHeader {
  const QuicVersion* version = nullptr;
  QuicPacketType type = QuicPacketType::initial;
  Bytes destination;  // connection ids
  Bytes source;
  // Not of a Retry, whose packet is the rest of its datagram:
  std::size_t packet_number_at = 0;  // offset of the protected packet number in the packet
  Bytes packet;                      // header and protected payload
};
// The packet at the head of `datagram`. Nothing for short headers, versions that we do not know,
// and lengths that do not fit.
[[nodiscard]] std::optional<QuicLongHeader> parse_quic_long_header(Bytes datagram) noexcept;

// The frames of an Initial packet in plain text.
class QuicFrames {
 public:
  struct Crypto {
    std::uint64_t offset = 0;
    Bytes data;
  };
  explicit QuicFrames(Bytes payload) noexcept : rest_(payload) {}
  // The next CRYPTO frame (RFC 9000 §19.6); other frames that an Initial may hold are passed over.
  // Nothing at the end or before what may not be there: ok() tells which.
  [[nodiscard]] std::optional<Crypto> next_crypto() noexcept;
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  Bytes rest_;
  bool ok_ = true;
};

}  // namespace dpi
