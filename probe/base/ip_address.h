// An IPv4 or IPv6 address as the packet carries it, and its text (dotted quad, RFC 5952).
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 in the first four, the rest zero
  bool v6 = false;

  // By words: every packet asks several times.
  bool operator==(const IpAddress& other) const noexcept {
    return ((word(0) ^ other.word(0)) | (word(8) ^ other.word(8))) == 0 && v6 == other.v6;
  }
  std::strong_ordering operator<=>(const IpAddress& other) const noexcept {
    for (const std::size_t at : {std::size_t{0}, std::size_t{8}}) {
      if (word(at) != other.word(at)) return in_order(word(at)) <=> in_order(other.word(at));
    }
    return v6 <=> other.v6;
  }

  [[nodiscard]] Bytes wire() const noexcept { return Bytes{bytes}.first(v6 ? 16U : 4U); }
  // 4 or 16 bytes.
  [[nodiscard]] static IpAddress from_wire(Bytes wire) noexcept {
    IpAddress out;
    out.v6 = wire.size() == 16;
    if (out.v6) {
      std::memcpy(out.bytes.data(), wire.data(), 16);
    } else if (wire.size() == 4) {
      std::memcpy(out.bytes.data(), wire.data(), 4);
    }
    return out;
  }

 private:
  [[nodiscard]] std::uint64_t word(std::size_t at) const noexcept {
    std::uint64_t out = 0;
    std::memcpy(&out, bytes.data() + at, sizeof out);
    return out;
  }
  // A word whose first byte decides.
  static std::uint64_t in_order(std::uint64_t word) noexcept {
    return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
  }
};

inline constexpr std::size_t ip_text_bytes_max = 45;
// Needs room for ip_text_bytes_max; gives where the text goes on.
char* write_ip(char* at, const IpAddress& address) noexcept;
void append_ip(std::string& out, const IpAddress& address);
[[nodiscard]] std::string ip_text(const IpAddress& address);
// Either text; nothing when it is none.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

// 224.0.0.0/4, 255.255.255.255 and ff00::/8.
[[nodiscard]] bool is_multicast(const IpAddress& address) noexcept;

}  // namespace dpi
