// Any bytes as text (docs/envelope.md, pct-text): 0x21–0x7E stand for themselves, but for the
// quote, the backslash and the per cent sign; everything else is %HH.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

[[nodiscard]] constexpr bool is_pct_plain(std::uint8_t b) noexcept {
  return b >= 0x21 && b <= 0x7e && b != '"' && b != '\\' && b != '%';
}

// Three characters; gives where the text goes on.
inline char* write_pct_escape(char* at, std::uint8_t b) noexcept {
  constexpr std::string_view digits = "0123456789ABCDEF";
  *at++ = '%';
  *at++ = digits[b >> 4U];
  *at++ = digits[b & 15U];
  return at;
}
// At most three.
inline char* write_pct(char* at, std::uint8_t b) noexcept {
  if (!is_pct_plain(b)) return write_pct_escape(at, b);
  *at++ = static_cast<char>(b);
  return at;
}

inline void append_pct(std::string& out, std::uint8_t b) {
  std::array<char, 3> text;  // NOLINT: written before it is read
  out.append(text.data(), write_pct(text.data(), b));
}
// At most limit characters; false when something was cut off.
inline bool append_pct(std::string& out, Bytes bytes, std::size_t limit = std::string::npos) {
  for (const std::uint8_t b : bytes) {
    const std::size_t width = is_pct_plain(b) ? 1 : 3;
    if (limit < width) return false;
    limit -= width;
    append_pct(out, b);
  }
  return true;
}

}  // namespace dpi
