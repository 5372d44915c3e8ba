// One stream in segments of any order, repeated and overlapping: the messages that come out are the
// stream's own, in its order. Triples (offset in two bytes, length) up to offset 0xffff, then the
// stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "probe/base/byte_cursor.h"
#include "probe/base/check.h"
#include "probe/dns/message_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dpi::ByteCursor in{dpi::Bytes{data, size}};
  dpi::ByteCursor segments = in;
  while (in.left() >= 3 && in.be16() != 0xffff) in.skip(1);
  const dpi::Bytes stream = in.rest();
  constexpr std::uint32_t start = 0xffffff00U;  // sequence numbers wrap
  dpi::StreamMemory memory(1U << 20U);
  dpi::MessageStream messages(memory);
  messages.start(start);
  std::size_t told = 0;
  while (segments.left() >= 3) {
    const std::size_t offset = segments.be16();
    if (offset == 0xffff) break;
    const std::size_t length = segments.u8();
    if (offset >= stream.size()) continue;
    const dpi::Bytes part = stream.subspan(offset, std::min(length, stream.size() - offset));
    (void)messages.add(start + static_cast<std::uint32_t>(offset), part);
    while (const auto next = messages.next()) {
      const dpi::Bytes* const message = &next->bytes;
      DPI_CHECK(told + 2 + message->size() <= stream.size());
      DPI_CHECK((std::size_t{stream[told]} << 8U | stream[told + 1]) == message->size());
      DPI_CHECK(std::equal(message->begin(), message->end(),
                           stream.begin() + static_cast<std::ptrdiff_t>(told) + 2));
      told += 2 + message->size();
    }
  }
  return 0;
}
