// The canonical JSON of envelopes and payloads (docs/envelope.md): pct-text, and what is canonical.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/pct_text.h"

namespace dpi {

inline constexpr std::uint64_t integer_max = (std::uint64_t{1} << 53U) - 1;

[[nodiscard]] std::string pct_text(Bytes bytes);
// True for strings that the canonical form carries as they are.
[[nodiscard]] bool is_canonical_text(std::string_view text) noexcept;
// True when text is one canonical JSON value, nesting at most 16 deep. Never allocates more than
// its depth.
[[nodiscard]] bool is_canonical_json(std::string_view text) noexcept;

}  // namespace dpi
