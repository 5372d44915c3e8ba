// An IPv4 or IPv6 address as the packet carries it, and its text (dotted quad, RFC 5952).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four, the rest zero
  bool v6 = false;

  auto operator<=>(const IpAddress&) const = default;

  [[nodiscard]] Bytes wire() const noexcept { return Bytes{bytes}.first(v6 ? 16U : 4U); }
  // 4 or 16 bytes.
  [[nodiscard]] static IpAddress from_wire(Bytes wire) noexcept;
};

void append_ip(std::string& out, const IpAddress& address);
[[nodiscard]] std::string ip_text(const IpAddress& address);
// Either text; nothing when it is none.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

// 224.0.0.0/4, 255.255.255.255 and ff00::/8.
[[nodiscard]] bool is_multicast(const IpAddress& address) noexcept;

}  // namespace dpi
