#include "probe/audit/sql_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace dpi {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// Of digits alone; however many zeros lead.
std::optional<unsigned> small_number(std::string_view digits, unsigned max) noexcept {
  if (!all_digits(digits)) return std::nullopt;
  unsigned value = 0;
  for (const char c : digits) {
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > max) return std::nullopt;
  }
  return value;
}

std::optional<ByteBuffer> sql_ipv4(std::string_view text) {
  constexpr std::size_t octets = 4;
  ByteBuffer out;
  while (out.size() < octets) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const auto octet = small_number(text.substr(0, end), 255);
    const bool last = out.size() + 1 == octets;
    if (!octet || last != (end == text.size())) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(*octet));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::optional<ByteBuffer> sql_ipv6(std::string_view text) {
  ByteBuffer out(16);
  if (::inet_pton(AF_INET6, std::string{text}.c_str(), out.data()) != 1) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Uuid> sql_uuid(std::string_view text) {
  if (text.starts_with('{') != text.ends_with('}')) return std::nullopt;
  if (text.starts_with('{')) text = text.substr(1, text.size() - 2);
  constexpr std::size_t digits_in_all = 32, group = 4;
  std::string digits;
  bool hyphen_before = true;
  for (const char c : text) {
    const bool is_hyphen = c == '-';
    if (is_hyphen ? hyphen_before || digits.size() % group != 0 || digits.size() == digits_in_all
                  : !is_hex_digit(c))
      return std::nullopt;
    if (!is_hyphen) digits.push_back(lower(c));
    hyphen_before = is_hyphen;
  }
  const auto bytes = digits.size() == digits_in_all ? parse_hex(digits) : std::nullopt;
  if (!bytes) return std::nullopt;
  Uuid out{};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

std::optional<ByteBuffer> sql_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (is_hex_digit(c)) {
      digits.push_back(lower(c));
    } else if (std::string_view{" \n\t\r"}.find(c) == std::string_view::npos ||
               digits.size() % 2 != 0) {
      return std::nullopt;
    }
  }
  return parse_hex(digits);
}

std::optional<ByteBuffer> sql_host(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  auto out = address.find(':') == std::string_view::npos ? sql_ipv4(address) : sql_ipv6(address);
  if (!out || slash == std::string_view::npos) return out;
  const auto bits = static_cast<unsigned>(out->size() * 8);
  if (small_number(text.substr(slash + 1), bits) != bits) return std::nullopt;
  return out;
}

}  // namespace dpi
