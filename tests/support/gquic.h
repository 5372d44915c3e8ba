// Packets of Google's QUIC as tests send them. Test code only.
#pragma once

#include "tests/support/tls.h"

namespace dpi::test {

inline ByteBuffer le32(std::size_t v) {
  const ByteBuffer big = be32(static_cast<std::uint32_t>(v));
  return {big.rbegin(), big.rend()};
}

// A ClientHello with padding, a server name and a user agent.
inline ByteBuffer gquic_hello() {
  return text("CHLO") + ByteBuffer{3, 0, 0, 0} + text("PAD") + u8(0) + le32(10) + text("SNI") +
         u8(0) + le32(21) + text("UAID") + le32(26) + text("----------example.comagent");
}
inline ByteBuffer gquic_stream(const ByteBuffer& message, unsigned offset = 0,
                               unsigned stream = 1) {
  const ByteBuffer head =
      offset == 0 ? u8(0xa0) + u8(stream) : u8(0xa4) + u8(stream) + be16(offset);
  return head + with_length16(message);
}
inline ByteBuffer gquic_public_header(std::string_view version) {
  return u8(0x0d) + zeros(8) + text(version) + u8(1) + zeros(12);
}
inline ByteBuffer gquic_long_header() {
  return u8(0xc3) + text("Q046") + u8(0x50) + zeros(8) + be32(1) + zeros(12);
}

}  // namespace dpi::test
