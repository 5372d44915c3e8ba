// Segments of one stream in any order, repeated, overlapping, some with other bytes: what comes out
// is in order, each byte is the copy that came first, and memory is given back. Quadruples (offset
// in two bytes, length, flags): 1: read, 2: other bytes.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "probe/base/byte_cursor.h"
#include "probe/base/check.h"
#include "probe/stream/byte_stream.h"

namespace {

constexpr std::size_t stream_bytes = 4096;
constexpr std::uint32_t start = 0xfffffc00U;  // sequence numbers wrap

std::uint8_t byte_at(std::size_t offset, unsigned flags) {
  return static_cast<std::uint8_t>(offset * 31 + ((flags & 2U) != 0 ? 1 : 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dpi::StreamMemory memory(16U << 10U);
  {
    dpi::ByteStream stream(memory, 8192);
    stream.start(start);
    std::vector<std::optional<std::uint8_t>> first(stream_bytes);
    std::size_t read = 0;
    dpi::ByteCursor in{dpi::Bytes{data, size}};
    while (in.left() >= 4 && !stream.gave_up()) {
      const std::size_t offset = in.be16() % stream_bytes;
      const std::size_t length = std::min<std::size_t>(in.u8(), stream_bytes - offset);
      const std::uint8_t flags = in.u8();
      dpi::ByteBuffer bytes;
      for (std::size_t i = 0; i < length; ++i) bytes.push_back(byte_at(offset + i, flags));
      // A single byte right before what is awaited is taken for a keep-alive; it is known already.
      for (std::size_t i = 0; i < length; ++i) {
        if (!first[offset + i]) first[offset + i] = bytes[i];
      }
      (void)stream.add(start + static_cast<std::uint32_t>(offset), bytes);
      if (stream.gave_up()) break;
      const dpi::Bytes ready = stream.readable();
      for (std::size_t i = 0; i < ready.size(); ++i)
        DPI_CHECK(first[read + i] && ready[i] == *first[read + i]);
      DPI_CHECK(read + ready.size() == stream_bytes || !first[read + ready.size()]);
      if ((flags & 1U) != 0) {
        stream.consume(ready.size() / 2);
        read += ready.size() / 2;
      }
    }
  }
  DPI_CHECK(memory.used() == 0);
  return 0;
}
