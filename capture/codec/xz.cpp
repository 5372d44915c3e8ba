#include <lzma.h>

#include <algorithm>

#include "capture/codec/codec.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

class XzDecompressor final : public Decompressor {
 public:
  XzDecompressor() { start(); }
  ~XzDecompressor() override { lzma_end(&stream_); }

  Result<Step> step(Bytes in, std::span<std::uint8_t> out) override {
    if (damage_ != nullptr) return fail(Errc::input, damage_);
    if (between_streams_) {
      if (const std::size_t skipped = start_next_stream(in); between_streams_ || skipped > 0)
        return Step{.consumed = skipped, .produced = 0};
    }
    stream_.next_in = in.data();
    stream_.avail_in = in.size();
    stream_.next_out = out.data();
    stream_.avail_out = out.size();
    const lzma_ret code = lzma_code(&stream_, LZMA_RUN);
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR) {
      damage_ = reason(code);
      // What came out before the damage is as good as ever: it goes first.
      if (stream_.avail_out == out.size()) return fail(Errc::input, damage_);
    }
    between_streams_ = code == LZMA_STREAM_END;
    return Step{.consumed = in.size() - stream_.avail_in,
                .produced = out.size() - stream_.avail_out};
  }

  bool complete() const noexcept override { return between_streams_; }
  std::uint64_t ignored_bytes() const noexcept override { return ignored_bytes_; }
  const char* name() const noexcept override { return "xz"; }

 private:
  // xz -9 needs 65 MiB; a file may ask for 4 GiB.
  static constexpr std::uint64_t memory_bytes_max = std::uint64_t{128} << 20U;
  static constexpr std::uint8_t magic_first = 0xFD;

  static const char* reason(lzma_ret code) noexcept {
    switch (code) {
      case LZMA_MEMLIMIT_ERROR:
        return "its dictionary needs more than 128 MiB; decompress it with xz -dc first";
      case LZMA_OPTIONS_ERROR:
        return "it uses an option of xz that this library does not know";
      case LZMA_FORMAT_ERROR:
        return "no xz stream begins here";
      default:
        return "a block's content or checksum is wrong";
    }
  }
  void start() { DPI_CHECK(lzma_stream_decoder(&stream_, memory_bytes_max, 0) == LZMA_OK); }
  // The .xz File Format §2: streams follow one another, with zeros as padding. What is neither is
  // skipped.
  std::size_t start_next_stream(Bytes in) {
    const auto zeros = ignored_bytes_ > 0
                           ? in.begin()
                           : std::find_if(in.begin(), in.end(), [](auto b) { return b != 0; });
    const auto skipped = static_cast<std::size_t>(zeros - in.begin());
    if (zeros == in.end()) return skipped;
    if (ignored_bytes_ == 0 && *zeros == magic_first) {
      start();
      between_streams_ = false;
      return skipped;
    }
    ignored_bytes_ += in.size() - skipped;
    return in.size();
  }

  lzma_stream stream_ = LZMA_STREAM_INIT;
  const char* damage_ = nullptr;  // found, and told once all before it is out
  bool between_streams_ = false;
  std::uint64_t ignored_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Decompressor> make_xz_decompressor() {
  return std::make_unique<XzDecompressor>();
}

}  // namespace dpi
