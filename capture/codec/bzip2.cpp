#include <bzlib.h>

#include <algorithm>

#include "capture/codec/codec.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

// Takes at most 3.7 MB, for blocks of 900 kB.
class Bzip2Decompressor final : public Decompressor {
 public:
  Bzip2Decompressor() { start(); }
  ~Bzip2Decompressor() override { BZ2_bzDecompressEnd(&stream_); }

  Result<Step> step(Bytes in, std::span<std::uint8_t> out) override {
    if (damage_ != nullptr) return fail(Errc::input, damage_);
    if (between_streams_) {
      if (const std::size_t skipped = start_next_stream(in); between_streams_ || skipped > 0)
        return Step{.consumed = skipped, .produced = 0};
    }
    const auto in_bytes = static_cast<unsigned>(std::min(in.size(), part_bytes_max));
    const auto out_bytes = static_cast<unsigned>(std::min(out.size(), part_bytes_max));
    // bzlib's interface predates const; it only reads.
    stream_.next_in = text(const_cast<std::uint8_t*>(in.data()));
    stream_.avail_in = in_bytes;
    stream_.next_out = text(out.data());
    stream_.avail_out = out_bytes;
    const int code = BZ2_bzDecompress(&stream_);
    if (code != BZ_OK && code != BZ_STREAM_END) {
      damage_ = reason(code);
      // What came out before the damage is as good as ever: it goes first.
      if (stream_.avail_out == out_bytes) return fail(Errc::input, damage_);
    }
    between_streams_ = code == BZ_STREAM_END;
    return Step{.consumed = in_bytes - stream_.avail_in, .produced = out_bytes - stream_.avail_out};
  }

  bool complete() const noexcept override { return between_streams_; }
  std::uint64_t ignored_bytes() const noexcept override { return ignored_bytes_; }
  const char* name() const noexcept override { return "bzip2"; }

 private:
  static constexpr std::size_t part_bytes_max = std::size_t{1} << 30U;  // unsigned holds it
  static constexpr std::uint8_t magic_first = 'B';

  // bzlib counts in char.
  static char* text(void* bytes) noexcept { return static_cast<char*>(bytes); }
  static const char* reason(int code) noexcept {
    if (code == BZ_DATA_ERROR_MAGIC) return "no bzip2 stream begins here";
    return code == BZ_DATA_ERROR ? "a block's content or checksum is wrong" : "bzip2 gave up";
  }
  void start() {
    stream_ = bz_stream{};
    DPI_CHECK(BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK);
  }
  // Streams follow one another, as pbzip2 writes them. What is none is skipped.
  std::size_t start_next_stream(Bytes in) {
    if (in.empty()) return 0;
    if (ignored_bytes_ == 0 && in.front() == magic_first) {
      BZ2_bzDecompressEnd(&stream_);
      start();
      between_streams_ = false;
      return 0;
    }
    ignored_bytes_ += in.size();
    return in.size();
  }

  bz_stream stream_{};
  const char* damage_ = nullptr;  // found, and told once all before it is out
  bool between_streams_ = false;
  std::uint64_t ignored_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Decompressor> make_bzip2_decompressor() {
  return std::make_unique<Bzip2Decompressor>();
}

}  // namespace dpi
