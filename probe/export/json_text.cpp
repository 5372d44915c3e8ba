#include "probe/export/json_text.h"

#include <cstdint>

namespace dpi {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The character that `bytes` begins with (RFC 3629: shortest form, no surrogates, at most
// U+10FFFF). Length 0: none.
struct Character {
  std::size_t length = 0;
  std::uint32_t code = 0;
};

Character first_character(std::string_view bytes) {
  const auto lead = static_cast<std::uint8_t>(bytes.front());
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return {};
  std::uint32_t code = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<std::uint8_t>(bytes[i]);
    if ((next & 0xC0U) != 0x80U) return {};
    code = code << 6U | (next & 0x3FU);
  }
  const bool shortest = length == 2 || code >= (length == 3 ? 0x800U : 0x10000U);
  const bool surrogate = code >= 0xD800U && code <= 0xDFFFU;
  return shortest && !surrogate && code <= 0x10FFFFU ? Character{length, code} : Character{};
}

void append_hex_digits(std::string& out, std::uint32_t value, unsigned digits) {
  constexpr std::string_view hex = "0123456789abcdef";
  for (unsigned shift = digits * 4; shift > 0; shift -= 4)
    out.push_back(hex[value >> (shift - 4) & 15U]);
}

bool is_escaped(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::string pct_decoded(std::string_view pct) {
  std::string out;
  out.reserve(pct.size());
  for (std::size_t i = 0; i < pct.size(); ++i) {
    if (pct[i] == '%' && pct.size() - i > 2) {
      const int high = hex_digit(pct[i + 1]);
      const int low = hex_digit(pct[i + 2]);
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high << 4 | low));
        i += 2;
        continue;
      }
    }
    out.push_back(pct[i]);
  }
  return out;
}

void append_json_string(std::string& out, std::string_view bytes) {
  out.push_back('"');
  while (!bytes.empty()) {
    const auto [length, code] = first_character(bytes);
    if (length == 0) {
      out += R"(\\x)";
      append_hex_digits(out, static_cast<std::uint8_t>(bytes.front()), 2);
    } else if (is_escaped(code)) {
      out += "\\u";
      append_hex_digits(out, code, 4);
    } else {
      if (code == '"' || code == '\\') out.push_back('\\');
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  out.push_back('"');
}

}  // namespace dpi
