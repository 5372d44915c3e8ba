// Reading the line-oriented texts of C2SP: signed notes and proofs.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dpi {

// The next line without its newline; nothing when no newline is left.
[[nodiscard]] std::optional<std::string_view> take_line(std::string_view& rest);
// Digits without a leading zero, below 2^64.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace dpi
