// Bytes as pct-text: what is printable ASCII stays, but for the quote, the backslash and the
// percent sign.
#pragma once

#include <string>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

inline void append_pct(std::string& out, std::uint8_t b) {
  constexpr std::string_view upper_hex = "0123456789ABCDEF";
  if (b >= 0x21 && b <= 0x7e && b != '"' && b != '\\' && b != '%') {
    out.push_back(static_cast<char>(b));
    return;
  }
  out.push_back('%');
  out.push_back(upper_hex[b >> 4U]);
  out.push_back(upper_hex[b & 15U]);
}

inline void append_pct(std::string& out, Bytes bytes) {
  for (const std::uint8_t b : bytes) append_pct(out, b);
}

}  // namespace dpi
