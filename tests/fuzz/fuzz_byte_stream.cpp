// Segments of one stream in any order, repeated, overlapping, some with other bytes: what comes out
// is in order, each byte is the copy that came first, and memory is given back. Quadruples (offset
// in two bytes, length, flags): 1: read, 2: other bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

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
    std::array<std::int16_t, stream_bytes> first{};  // the byte that came first; -1: none yet
    first.fill(-1);
    std::array<std::uint8_t, 256> bytes{};
    std::size_t read = 0;
    std::size_t checked = 0;  // bytes of the stream; what was ready once does not change
    dpi::ByteCursor in{dpi::Bytes{data, size}};
    while (in.left() >= 4 && !stream.gave_up()) {
      const std::size_t offset = in.be16() % stream_bytes;
      const std::size_t length = std::min<std::size_t>(in.u8(), stream_bytes - offset);
      const std::uint8_t flags = in.u8();
      // A single byte right before what is awaited is taken for a keep-alive; it is known already.
      for (std::size_t i = 0; i < length; ++i) {
        bytes[i] = byte_at(offset + i, flags);
        if (first[offset + i] < 0) first[offset + i] = bytes[i];
      }
      (void)stream.add(start + static_cast<std::uint32_t>(offset), dpi::Bytes{bytes}.first(length));
      if (stream.gave_up()) break;
      const dpi::Bytes ready = stream.readable();
      DPI_CHECK(read + ready.size() >= checked);
      for (; checked < read + ready.size(); ++checked)
        DPI_CHECK(first[checked] == ready[checked - read]);
      DPI_CHECK(checked == stream_bytes || first[checked] < 0);
      if ((flags & 1U) != 0) {
        stream.consume(ready.size() / 2);
        read += ready.size() / 2;
      }
    }
    const dpi::Bytes ready = stream.readable();
    for (std::size_t i = 0; !stream.gave_up() && i < ready.size(); ++i)
      DPI_CHECK(first[read + i] == ready[i]);
  }
  DPI_CHECK(memory.used() == 0);
  return 0;
}
