#include "probe/base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace dpi {
namespace {

void append_number(std::string& out, unsigned value, int base) {
  std::array<char, 8> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
  out.append(text.data(), end);
}

void append_v4(std::string& out, Bytes quad) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i != 0) out.push_back('.');
    append_number(out, quad[i], 10);
  }
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

void append_v6(std::string& out, Bytes wire) {
  std::array<std::uint16_t, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<std::uint16_t>(wire[2 * i] << 8U | wire[2 * i + 1]);
  }
  // RFC 5952 §5: ::ffff:0:0/96 is written with a dotted quad.
  const bool mapped = std::all_of(wire.begin(), wire.begin() + 10, [](auto b) { return b == 0; }) &&
                      groups[5] == 0xffff;
  if (mapped) {
    out += "::ffff:";
    append_v4(out, wire.subspan(12));
    return;
  }
  const auto [start, length] = longest_zero_run(groups);
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == start) {
      out += "::";
      i += length - 1;
      continue;
    }
    if (i != 0 && i != start + length) out.push_back(':');
    append_number(out, groups[i], 16);
  }
}

}  // namespace

IpAddress IpAddress::from_wire(Bytes wire) noexcept {
  IpAddress out;
  out.v6 = wire.size() == 16;
  std::copy_n(wire.begin(), std::min<std::size_t>(wire.size(), 16), out.bytes.begin());
  return out;
}

void append_ip(std::string& out, const IpAddress& address) {
  address.v6 ? append_v6(out, address.wire()) : append_v4(out, address.wire());
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
