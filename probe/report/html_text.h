// Text and numbers as HTML. Whatever a packet said comes as pct-text (docs/envelope.md), which is
// printable ASCII: with the five characters escaped that mean something to HTML it is harmless, in
// an element and in a quoted attribute.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dpi {

[[nodiscard]] std::string html_text(std::string_view text);
// 1 234 567, with spaces that do not break.
[[nodiscard]] std::string html_number(std::uint64_t number);
// 1.2 MB: bytes in powers of ten.
[[nodiscard]] std::string html_bytes(double bytes);

}  // namespace dpi
