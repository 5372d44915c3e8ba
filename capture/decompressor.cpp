#include "capture/decompressor.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <string>

#include "probe/base/byte_cursor.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

constexpr std::uint8_t gzip_magic_first = 0x1f;

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() {
    constexpr int window_bits = 15;
    constexpr int gzip_header = 16;  // zlib.h, inflateInit2: add 16 to decode only gzip
    DPI_CHECK(inflateInit2(&stream_, window_bits + gzip_header) == Z_OK);
  }
  ~GzipDecompressor() override { inflateEnd(&stream_); }

  Result<Step> step(Bytes in, std::span<std::uint8_t> out) override {
    if (damage_ != nullptr) return fail(Errc::input, damage_);
    if (between_members_) {
      const std::size_t skipped = start_next_member(in);
      if (between_members_) return Step{.consumed = skipped, .produced = 0};
      if (skipped > 0) return Step{.consumed = skipped, .produced = 0};
    }
    const std::size_t in_bytes = std::min<std::size_t>(in.size(), part_bytes_max);
    const std::size_t out_bytes = std::min<std::size_t>(out.size(), part_bytes_max);
    stream_.next_in =
        const_cast<std::uint8_t*>(in.data());  // zlib's interface predates const; it only reads
    stream_.avail_in = static_cast<uInt>(in_bytes);
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out_bytes);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      damage_ = stream_.msg != nullptr ? stream_.msg : zError(code);
      // What came out before the damage is as good as ever: it goes first.
      if (stream_.avail_out == out_bytes) return fail(Errc::input, damage_);
    }
    between_members_ = code == Z_STREAM_END;
    return Step{.consumed = in_bytes - stream_.avail_in, .produced = out_bytes - stream_.avail_out};
  }

  bool complete() const noexcept override { return between_members_; }
  std::uint64_t ignored_bytes() const noexcept override { return ignored_bytes_; }
  const char* name() const noexcept override { return "gzip"; }

 private:
  static constexpr std::size_t part_bytes_max = std::size_t{1} << 30U;  // uInt holds it

  // RFC 1952 §2.2: members follow one another. Zero padding (tape blocks) and trailing garbage are
  // skipped.
  std::size_t start_next_member(Bytes in) {
    std::size_t skipped = 0;
    for (const std::uint8_t byte : in) {
      if (ignored_bytes_ == 0 && byte == gzip_magic_first) {
        DPI_CHECK(inflateReset(&stream_) == Z_OK);
        between_members_ = false;
        return skipped;
      }
      if (byte != 0 || ignored_bytes_ > 0) ++ignored_bytes_;
      ++skipped;
    }
    return skipped;
  }

  z_stream stream_{};
  const char* damage_ = nullptr;  // found, and told once all before it is out
  bool between_members_ = false;
  std::uint64_t ignored_bytes_ = 0;
};

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

std::unique_ptr<Decompressor> make_decompressor(Bytes beginning) {
  constexpr std::uint32_t zstd_magic = 0xFD2FB528;  // RFC 8878 §3.1.1
  constexpr std::uint32_t zstd_skippable =
      0x184D2A50;                                 // RFC 8878 §3.1.2, the low four bits are free
  constexpr std::uint32_t gzip_magic = 0x1f8b08;  // RFC 1952 §2.3.1; 8: deflate, the only method
  ByteCursor big{beginning};
  ByteCursor little{beginning};
  const std::uint32_t magic = little.le32();
  if (big.be24() == gzip_magic) return std::make_unique<GzipDecompressor>();
  if (magic == zstd_magic || (magic & 0xFFFFFFF0U) == zstd_skippable) {
    return std::make_unique<ZstdDecompressor>();
  }
  return nullptr;
}

}  // namespace dpi
