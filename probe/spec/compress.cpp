#include "probe/spec/compress.h"

#include <algorithm>

namespace dpi::spec {
namespace {

void put_le(ByteBuffer& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8U * i));
}

// ISO 3309, as RFC 1952 §8 has it.
std::uint32_t crc32(Bytes bytes) noexcept {
  std::uint32_t crc = 0xffffffffU;
  for (const std::uint8_t b : bytes) {
    crc ^= b;
    for (int i = 0; i < 8; ++i) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

// Blocks of at most `size` bytes, at least one; `header` writes what stands in front of each.
template <class Header>
void put_blocks(ByteBuffer& out, Bytes content, std::size_t size, Header header) {
  do {
    const Bytes block = content.first(std::min(size, content.size()));
    content = content.subspan(block.size());
    header(block.size(), content.empty());
    out.insert(out.end(), block.begin(), block.end());
  } while (!content.empty());
}

}  // namespace

ByteBuffer gzip_stored(Bytes content) {
  ByteBuffer out{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};  // deflate, no time, unknown system
  put_blocks(out, content, 65'535, [&out](std::size_t size, bool last) {
    put_le(out, last ? 1 : 0, 1);
    put_le(out, size, 2);
    put_le(out, ~size & 0xffffU, 2);
  });
  put_le(out, crc32(content), 4);
  put_le(out, content.size(), 4);
  return out;
}

ByteBuffer zstd_stored(Bytes content) {
  ByteBuffer out{0x28, 0xb5, 0x2f, 0xfd, 0xa0};  // single segment, content size of four bytes
  put_le(out, content.size(), 4);
  put_blocks(out, content, 128U << 10U, [&out](std::size_t size, bool last) {
    put_le(out, size << 3U | (last ? 1U : 0U), 3);
  });
  return out;
}

}  // namespace dpi::spec
