// Any bytes as a block of a packet ring: every frame lies in the block, and the walk ends.
#include <cstddef>
#include <cstdint>

#include "capture/af_packet/tpacket_block.h"
#include "probe/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dpi::Bytes memory{data, size};
  dpi::TpacketBlock block{memory};
  const std::uint64_t claimed = block.left();
  std::uint64_t frames = 0;
  unsigned sum = 0;
  while (const auto frame = block.next()) {
    ++frames;
    DPI_CHECK(frame->data.data() >= data && frame->data.data() + frame->data.size() <= data + size);
    for (const std::uint8_t byte : frame->data) sum += byte;
  }
  DPI_CHECK(block.left() == 0);
  DPI_CHECK(frames + block.unreadable() == claimed);
  DPI_CHECK(frames <= size / 48 + 1);  // a header each
  return sum == 0xFFFFFFFF ? 1 : 0;
}
