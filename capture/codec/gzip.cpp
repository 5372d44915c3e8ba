#include <zlib.h>

#include <algorithm>

#include "capture/codec/codec.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

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
  static constexpr std::uint8_t magic_first = 0x1f;

  // RFC 1952 §2.2: members follow one another. Zero padding (tape blocks) and trailing garbage are
  // skipped.
  std::size_t start_next_member(Bytes in) {
    std::size_t skipped = 0;
    for (const std::uint8_t byte : in) {
      if (ignored_bytes_ == 0 && byte == magic_first) {
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

}  // namespace

std::unique_ptr<Decompressor> make_gzip_decompressor() {
  return std::make_unique<GzipDecompressor>();
}

}  // namespace dpi
