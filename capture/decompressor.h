// Streaming gzip, zstd, xz, bzip2 and lz4 behind one step function. Memory is bounded by the
// formats' windows (of xz: by a limit of ours), never by how much a stream expands to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "probe/base/bytes.h"
#include "probe/base/result.h"

namespace dpi {

class Decompressor {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  virtual ~Decompressor() = default;

  // Neither consumed nor produced: it needs more input. The error text is the library's reason
  // only.
  [[nodiscard]] virtual Result<Step> step(Bytes in, std::span<std::uint8_t> out) = 0;
  // Whether the input may end here, at the end of a member or frame.
  [[nodiscard]] virtual bool complete() const noexcept = 0;
  // Bytes behind the last member that belong to no member and were ignored, as gzip(1) does.
  [[nodiscard]] virtual std::uint64_t ignored_bytes() const noexcept { return 0; }
  [[nodiscard]] virtual const char* name() const noexcept = 0;
};

// The decompressor for a stream that begins with these (at least 4) bytes; null: not compressed.
[[nodiscard]] std::unique_ptr<Decompressor> make_decompressor(Bytes beginning);

}  // namespace dpi
