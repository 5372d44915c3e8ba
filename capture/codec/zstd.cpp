#include <zstd.h>

#include <algorithm>

#include "capture/codec/codec.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : stream_(ZSTD_createDStream()) {
    DPI_CHECK(stream_ != nullptr);
    wanted_ = ZSTD_initDStream(stream_);
  }
  ~ZstdDecompressor() override { ZSTD_freeDStream(stream_); }

  Result<Step> step(Bytes in, std::span<std::uint8_t> out) override {
    if (in.empty() && complete_) return Step{};
    // No more than one block a call: one that fails says nothing of what it put out before.
    ZSTD_inBuffer input{in.data(), std::min(in.size(), std::max<std::size_t>(wanted_, 1)), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t left = ZSTD_decompressStream(stream_, &output, &input);
    if (ZSTD_isError(left) != 0U) return fail(Errc::input, ZSTD_getErrorName(left));
    complete_ = left == 0;  // the next byte, if any, begins another frame
    wanted_ = complete_ ? frame_head_bytes : left;
    return Step{.consumed = input.pos, .produced = output.pos};
  }

  bool complete() const noexcept override { return complete_; }
  const char* name() const noexcept override { return "zstd"; }

 private:
  static constexpr std::size_t frame_head_bytes = 5;  // RFC 8878 §3.1.1, the least

  ZSTD_DStream* stream_;
  std::size_t wanted_ = 0;  // zstd.h: a hint of how much is decoded at once
  bool complete_ = false;
};

}  // namespace

std::unique_ptr<Decompressor> make_zstd_decompressor() {
  return std::make_unique<ZstdDecompressor>();
}

}  // namespace dpi
