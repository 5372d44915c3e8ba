// Sizes of read buffers. Fuzz builds divide them (DPI_SMALL_BUFFERS): large buffers cost more time
// under ASan than reading an input, and in small ones inputs of a kilobyte reach the places where a
// record crosses the end of a buffer.
#pragma once

#include <cstddef>

namespace dpi {

constexpr std::size_t read_buffer_bytes(std::size_t bytes) noexcept {
#ifdef DPI_SMALL_BUFFERS
  return bytes / 64;
#else
  return bytes;
#endif
}

}  // namespace dpi
