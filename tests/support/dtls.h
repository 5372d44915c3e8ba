// DTLS records and messages as tests send them. Test code only.
#pragma once

#include "tests/support/tls.h"

namespace dpi::test {

struct DtlsHeader {
  unsigned content = 22;
  unsigned version = 0xfefd;
  unsigned epoch = 0;
};
inline ByteBuffer dtls_record(const ByteBuffer& payload, const DtlsHeader& h = {}) {
  return u8(h.content) + be16(h.version) + be16(h.epoch) + zeros(6) + with_length16(payload);
}
// The bytes [from, to) of a message's body.
inline ByteBuffer dtls_fragment(unsigned type, unsigned sequence, const ByteBuffer& body,
                                std::size_t from, std::size_t to) {
  return u8(type) + be24(body.size()) + be16(sequence) + be24(from) + be24(to - from) +
         ByteBuffer(body.begin() + static_cast<std::ptrdiff_t>(from),
                    body.begin() + static_cast<std::ptrdiff_t>(to));
}
inline ByteBuffer dtls_fragment(unsigned type, unsigned sequence, const ByteBuffer& body) {
  return dtls_fragment(type, sequence, body, 0, body.size());
}

// As a browser's WebRTC sends it, shortened.
inline ByteBuffer dtls_client_hello_body(const ByteBuffer& cookie = {}, unsigned version = 0xfefd,
                                         const ByteBuffer& more = {}) {
  return be16(version) + zeros(32) + u8(0) + with_length8(cookie) +
         with_length16(list16({0xc02b, 0xc02f})) + with_length8(u8(0)) +
         with_length16(server_name_extension("example.com") + alpn_extension({"webrtc"}) +
                       extension(10, with_length16(list16({29, 23}))) + more);
}

}  // namespace dpi::test
