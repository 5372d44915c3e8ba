// One decompressor per format; decompressor.cpp knows by which bytes each begins.
#pragma once

#include <memory>

#include "capture/decompressor.h"

namespace dpi {

[[nodiscard]] std::unique_ptr<Decompressor> make_gzip_decompressor();
[[nodiscard]] std::unique_ptr<Decompressor> make_zstd_decompressor();
[[nodiscard]] std::unique_ptr<Decompressor> make_xz_decompressor();
[[nodiscard]] std::unique_ptr<Decompressor> make_bzip2_decompressor();
[[nodiscard]] std::unique_ptr<Decompressor> make_lz4_decompressor();

}  // namespace dpi
