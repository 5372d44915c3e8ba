// TLS, HTTP and SSH messages as tests write them. Test code only.
#pragma once

#include <initializer_list>
#include <string_view>

#include "tests/support/packets.h"

namespace dpi::test {

inline ByteBuffer u8(unsigned v) {
  return {static_cast<std::uint8_t>(v)};
}
inline ByteBuffer be24(std::size_t v) {
  return u8(static_cast<unsigned>(v >> 16U & 0xffU)) + be16(static_cast<unsigned>(v & 0xffffU));
}
inline ByteBuffer with_length8(const ByteBuffer& b) {
  return u8(static_cast<unsigned>(b.size())) + b;
}
inline ByteBuffer with_length16(const ByteBuffer& b) {
  return be16(static_cast<unsigned>(b.size())) + b;
}
inline ByteBuffer with_length24(const ByteBuffer& b) {
  return be24(b.size()) + b;
}
inline ByteBuffer list16(std::initializer_list<unsigned> values) {
  ByteBuffer out;
  for (const unsigned v : values) out = out + be16(v);
  return out;
}

inline ByteBuffer handshake(unsigned type, const ByteBuffer& body) {
  return u8(type) + with_length24(body);
}
inline ByteBuffer record(unsigned content, const ByteBuffer& payload) {
  return u8(content) + be16(0x0303) + with_length16(payload);
}
inline ByteBuffer extension(unsigned type, const ByteBuffer& data) {
  return be16(type) + with_length16(data);
}
inline ByteBuffer server_name_extension(std::string_view name) {
  return extension(0, with_length16(u8(0) + with_length16(text(name))));
}
inline ByteBuffer alpn_extension(std::initializer_list<std::string_view> names) {
  ByteBuffer list;
  for (const std::string_view name : names) list = list + with_length8(text(name));
  return extension(16, with_length16(list));
}

// The body of a ClientHello.
inline ByteBuffer client_hello_body(const ByteBuffer& ciphers, const ByteBuffer& extensions,
                                    unsigned version = 0x0303) {
  return be16(version) + zeros(32) + with_length8(zeros(32)) + with_length16(ciphers) +
         with_length8(u8(0)) + with_length16(extensions);
}
inline ByteBuffer server_hello_body(unsigned cipher, const ByteBuffer& extensions,
                                    const ByteBuffer& random = zeros(32),
                                    unsigned version = 0x0303) {
  return be16(version) + random + with_length8(zeros(32)) + be16(cipher) + u8(0) +
         with_length16(extensions);
}

// A browser's hello of TLS 1.3, with GREASE (RFC 8701) where browsers put it. Its JA4 is the worked
// example of FoxIO's description.
inline ByteBuffer browser_hello_body() {
  return client_hello_body(
      list16({0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
              0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035}),
      extension(0x1a1a, {}) + extension(0x001b, {2, 0, 2}) + server_name_extension("example.com") +
          extension(0x0033, {}) + alpn_extension({"h2", "http/1.1"}) + extension(0x4469, {}) +
          extension(0x0017, {}) + extension(0x002d, {1, 1}) +
          extension(0x000d, with_length16(list16({0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501,
                                                  0x0806, 0x0601}))) +
          extension(0x0005, {}) + extension(0x0023, {}) + extension(0x0012, {}) +
          extension(0x002b, with_length8(list16({0x3a3a, 0x0304, 0x0303}))) +
          extension(0xff01, {0}) + extension(0x000b, with_length8({0})) +
          extension(0x000a, with_length16(list16({0x4a4a, 0x001d, 0x0017, 0x0018}))) +
          extension(0x0015, zeros(8)) + extension(0x5a5a, {0}));
}
inline constexpr std::string_view browser_ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1";

inline ByteBuffer certificate_body(const ByteBuffer& der) {
  return with_length24(with_length24(der));
}

inline ByteBuffer name_list(std::string_view names) {
  return be32(static_cast<std::uint32_t>(names.size())) + text(names);
}
// The packet of a KEXINIT, with its length.
inline ByteBuffer kexinit_packet() {
  const ByteBuffer message = u8(20) + zeros(16) + name_list("kex1,kex2") + name_list("ssh-rsa") +
                             name_list("enc-cs") + name_list("enc-sc") + name_list("mac-cs") +
                             name_list("mac-sc") + name_list("none") + name_list("zlib") +
                             name_list("") + name_list("") + u8(0) + be32(0);
  const ByteBuffer packet = u8(6) + message + zeros(6);
  return be32(static_cast<std::uint32_t>(packet.size())) + packet;
}

}  // namespace dpi::test
