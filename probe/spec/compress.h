// gzip and zstd files that hold their content stored, not compressed: legal, and the same bytes
// whatever library or version there is.
#pragma once

#include "probe/base/bytes.h"

namespace dpi::spec {

[[nodiscard]] ByteBuffer gzip_stored(Bytes content);  // RFC 1952, RFC 1951 §3.2.4
[[nodiscard]] ByteBuffer zstd_stored(Bytes content);  // RFC 8878 §3.1.1, raw blocks

}  // namespace dpi::spec
