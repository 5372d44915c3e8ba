#include "capture/decompressor.h"

#include "capture/codec/codec.h"
#include "probe/base/byte_cursor.h"

namespace dpi {

std::unique_ptr<Decompressor> make_decompressor(Bytes beginning) {
  constexpr std::uint32_t gzip_magic = 0x1f8b08;    // RFC 1952 §2.3.1; 8: deflate, the only method
  constexpr std::uint32_t bzip2_magic = 0x425a68;   // "BZh"
  constexpr std::uint32_t xz_magic = 0xFD377A58;    // The .xz File Format §2.1.1.1
  constexpr std::uint32_t lz4_magic = 0x184D2204;   // LZ4 Frame Format, General Structure
  constexpr std::uint32_t zstd_magic = 0xFD2FB528;  // RFC 8878 §3.1.1
  // RFC 8878 §3.1.2, the low four bits are free. lz4 has the same; nobody's lz4 begins with it.
  constexpr std::uint32_t zstd_skippable = 0x184D2A50;
  const std::uint32_t little = ByteCursor{beginning}.le32();
  const std::uint32_t big = ByteCursor{beginning}.be32();
  if (big >> 8U == gzip_magic) return make_gzip_decompressor();
  if (big >> 8U == bzip2_magic) return make_bzip2_decompressor();
  if (big == xz_magic) return make_xz_decompressor();
  if (little == lz4_magic) return make_lz4_decompressor();
  if (little == zstd_magic || (little & 0xFFFFFFF0U) == zstd_skippable)
    return make_zstd_decompressor();
  return nullptr;
}

}  // namespace dpi
