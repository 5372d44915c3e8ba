#include "probe/base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace dpi {
namespace {

// Every octet's digits and a dot, and how many of the four characters are digits.
struct Octet {
  std::array<char, 4> text{};
  std::uint8_t digits = 0;
};
constexpr auto octets = [] {
  std::array<Octet, 256> out{};
  for (unsigned value = 0; value < out.size(); ++value) {
    Octet& octet = out[value];
    if (value >= 100) octet.text[octet.digits++] = static_cast<char>('0' + value / 100);
    if (value >= 10) octet.text[octet.digits++] = static_cast<char>('0' + value / 10 % 10);
    octet.text[octet.digits++] = static_cast<char>('0' + value % 10);
    octet.text[octet.digits] = '.';
  }
  return out;
}();

char* write_v4(char* at, Bytes quad) noexcept {
  for (std::size_t i = 0; i < 4; ++i) {
    const Octet& octet = octets[quad[i]];
    const auto size = static_cast<std::size_t>(octet.digits) + (i < 3 ? 1U : 0U);
    at = std::copy_n(octet.text.begin(), size, at);
  }
  return at;
}

// RFC 5952 §4.2: the longest run of at least two zero groups, the first of equals.
std::pair<std::size_t, std::size_t> longest_zero_run(const std::array<std::uint16_t, 8>& groups) {
  std::size_t best_start = 8;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) {
      best_start = i;
      best_length = length;
    }
    i += length;
  }
  return {best_start, best_start == 8 ? 0 : best_length};
}

char* write_v6(char* at, Bytes wire) noexcept {
  std::array<std::uint16_t, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<std::uint16_t>(wire[2 * i] << 8U | wire[2 * i + 1]);
  }
  // RFC 5952 §5: ::ffff:0:0/96 is written with a dotted quad.
  const bool mapped = std::all_of(wire.begin(), wire.begin() + 10, [](auto b) { return b == 0; }) &&
                      groups[5] == 0xffff;
  if (mapped) {
    constexpr std::string_view prefix = "::ffff:";
    return write_v4(std::copy(prefix.begin(), prefix.end(), at), wire.subspan(12));
  }
  const auto [start, length] = longest_zero_run(groups);
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == start) {
      *at++ = ':';
      *at++ = ':';
      i += length - 1;
      continue;
    }
    if (i != 0 && i != start + length) *at++ = ':';
    at = std::to_chars(at, at + 4, groups[i], 16).ptr;
  }
  return at;
}

}  // namespace

char* write_ip(char* at, const IpAddress& address) noexcept {
  return address.v6 ? write_v6(at, address.wire()) : write_v4(at, address.wire());
}

void append_ip(std::string& out, const IpAddress& address) {
  std::array<char, ip_text_bytes_max> text{};
  out.append(text.data(), write_ip(text.data(), address));
}

std::string ip_text(const IpAddress& address) {
  std::string out;
  append_ip(out, address);
  return out;
}

bool is_multicast(const IpAddress& address) noexcept {
  if (address.v6) return address.bytes[0] == 0xff;
  const bool broadcast = std::all_of(address.bytes.begin(), address.bytes.begin() + 4,
                                     [](auto b) { return b == 0xff; });
  return (address.bytes[0] & 0xf0U) == 0xe0U || broadcast;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  const std::string terminated{text};
  IpAddress out;
  out.v6 = text.find(':') != std::string_view::npos;
  if (::inet_pton(out.v6 ? AF_INET6 : AF_INET, terminated.c_str(), out.bytes.data()) != 1)
    return std::nullopt;
  return out;
}

}  // namespace dpi
