// CRC-32C (Castagnoli; RFC 3720 appendix B.4): finds torn and decayed bytes. It proves nothing
// against an attacker; that is the chain's and the signatures' work.
#pragma once

#include <cstdint>

#include "probe/base/bytes.h"

namespace dpi {

// Pass an earlier result to continue it: crc32c(b, crc32c(a)) is the one of a followed by b.
[[nodiscard]] std::uint32_t crc32c(Bytes data, std::uint32_t earlier = 0) noexcept;
// The same without the processor's instruction, as on processors that have none.
[[nodiscard]] std::uint32_t crc32c_by_table(Bytes data, std::uint32_t earlier = 0) noexcept;

}  // namespace dpi
