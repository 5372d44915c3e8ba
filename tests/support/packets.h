// Packets as tests write them: a frame reads like a sentence. Test code only.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dissectors/decode.h"
#include "probe/base/packet.h"

namespace dpi::test {

inline ByteBuffer operator+(ByteBuffer a, const ByteBuffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline ByteBuffer be16(unsigned v) {
  return {static_cast<std::uint8_t>(v >> 8U), static_cast<std::uint8_t>(v & 0xffU)};
}
inline ByteBuffer be32(std::uint32_t v) {
  return be16(v >> 16U) + be16(v & 0xffffU);
}
inline ByteBuffer text(std::string_view s) {
  return {s.begin(), s.end()};
}
inline ByteBuffer zeros(std::size_t n) {
  return ByteBuffer(n, 0);
}

inline ByteBuffer ethernet(unsigned type, const ByteBuffer& payload) {
  return ByteBuffer{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1} + be16(type) + payload;
}

struct Ip4 {
  std::uint8_t src_last = 1;  // 10.0.0.x
  std::uint8_t dst_last = 2;
  std::uint8_t protocol = 17;
  unsigned id = 1;
  unsigned fragment = 0;  // flags and offset field as on the wire
  std::uint8_t ttl = 64;
};
inline ByteBuffer ipv4(const Ip4& h, const ByteBuffer& payload) {
  return ByteBuffer{0x45, 0} + be16(static_cast<unsigned>(20 + payload.size())) + be16(h.id) +
         be16(h.fragment) +
         ByteBuffer{h.ttl, h.protocol, 0, 0, 10, 0, 0, h.src_last, 10, 0, 0, h.dst_last} + payload;
}

inline ByteBuffer ipv6(std::uint8_t next, const ByteBuffer& payload, std::uint8_t src_last = 1,
                       std::uint8_t dst_last = 2) {
  ByteBuffer src = ByteBuffer{0x20, 0x01, 0x0d, 0xb8} + zeros(11) + ByteBuffer{src_last};
  ByteBuffer dst = ByteBuffer{0x20, 0x01, 0x0d, 0xb8} + zeros(11) + ByteBuffer{dst_last};
  return ByteBuffer{0x60, 0, 0, 0} + be16(static_cast<unsigned>(payload.size())) +
         ByteBuffer{next, 64} + src + dst + payload;
}

inline ByteBuffer udp(unsigned src, unsigned dst, const ByteBuffer& payload) {
  return be16(src) + be16(dst) + be16(static_cast<unsigned>(8 + payload.size())) + be16(0) +
         payload;
}

struct Tcp {
  unsigned src = 40000;
  unsigned dst = 80;
  std::uint32_t seq = 1000;
  std::uint32_t ack = 0;
  std::uint8_t flags = tcp_flag::ack;
  unsigned window = 1000;
};
inline ByteBuffer tcp(const Tcp& h, const ByteBuffer& payload = {}) {
  return be16(h.src) + be16(h.dst) + be32(h.seq) + be32(h.ack) + ByteBuffer{0x50, h.flags} +
         be16(h.window) + be32(0) + payload;
}

// Keeps the bytes that its packet borrows.
struct Frame {
  ByteBuffer bytes;
  RawPacket raw;

  explicit Frame(ByteBuffer b, std::int64_t time_ns = 0, unsigned link = 1) : bytes(std::move(b)) {
    raw.data = bytes;
    raw.wire_bytes = static_cast<std::uint32_t>(bytes.size());
    raw.time = timestamp(time_ns);
    raw.link = static_cast<LinkType>(link);
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
};

struct Decoded {
  DecodeOutcome outcome;
  PacketView view;
};
inline Decoded decoded(const Frame& frame) {
  Decoded out{};
  out.outcome = decode(frame.raw, out.view);
  return out;
}

inline constexpr std::int64_t second = 1'000'000'000;

}  // namespace dpi::test
