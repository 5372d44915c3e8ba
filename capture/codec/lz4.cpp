#include <lz4frame.h>

#include <algorithm>

#include "capture/codec/codec.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

// Frames, not single blocks. A block is at most 4 MiB, and so is what the library keeps of it.
class Lz4Decompressor final : public Decompressor {
 public:
  Lz4Decompressor() {
    DPI_CHECK(LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) == 0U);
  }
  ~Lz4Decompressor() override { LZ4F_freeDecompressionContext(context_); }

  Result<Step> step(Bytes in, std::span<std::uint8_t> out) override {
    if (in.empty() && complete_) return Step{};
    // No more than one block a call: one that fails says nothing of what it put out before.
    std::size_t consumed = std::min(in.size(), std::max<std::size_t>(wanted_, 1));
    std::size_t produced = out.size();
    const std::size_t left =
        LZ4F_decompress(context_, out.data(), &produced, in.data(), &consumed, nullptr);
    if (LZ4F_isError(left) != 0U) return fail(Errc::input, LZ4F_getErrorName(left));
    complete_ = left == 0;  // the next byte, if any, begins another frame
    wanted_ = complete_ ? frame_head_bytes : left;
    return Step{.consumed = consumed, .produced = produced};
  }

  bool complete() const noexcept override { return complete_; }
  const char* name() const noexcept override { return "lz4"; }

 private:
  static constexpr std::size_t frame_head_bytes = LZ4F_HEADER_SIZE_MIN;

  LZ4F_dctx* context_ = nullptr;
  std::size_t wanted_ = frame_head_bytes;  // lz4frame.h: a hint of how much is decoded at once
  bool complete_ = false;
};

}  // namespace

std::unique_ptr<Decompressor> make_lz4_decompressor() {
  return std::make_unique<Lz4Decompressor>();
}

}  // namespace dpi
