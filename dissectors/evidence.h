// Whether bytes are what a header in front of them claims, when nothing but a port, a nibble or a
// guessed offset says so. Reads a header or two, decides, keeps nothing.
#pragma once

#include <cstdint>

#include "probe/base/bytes.h"

namespace dpi {

// What was captured of something, and how long it was on the wire.
struct Claimed {
  Bytes data;
  std::uint32_t wire_bytes = 0;
  bool first_piece = false;  // of a fragmented datagram: the rest comes in other frames

  [[nodiscard]] Claimed behind(std::size_t bytes) const noexcept;
};

// RFC 791 §3.1: version, header length, total length against what is there, and the checksum; one
// of zero was left to the network card.
[[nodiscard]] bool is_ipv4(const Claimed& claimed) noexcept;
// RFC 8200 §3: version and payload length against what is there.
[[nodiscard]] bool is_ipv6(const Claimed& claimed) noexcept;
[[nodiscard]] bool is_ip(const Claimed& claimed) noexcept;
// An Ethernet frame, tagged or not: with IP, ARP (RFC 826) for IPv4, PPPoE, labels in front of IP
// or of another frame, or something without IP that is known.
[[nodiscard]] bool is_ethernet(const Claimed& claimed) noexcept;
// A PPP frame (RFC 1661 §2) with IP.
[[nodiscard]] bool is_ppp(const Claimed& claimed) noexcept;

// Whether it is the number of something without IP that is met inside tunnels.
[[nodiscard]] bool is_known_ethertype(std::uint16_t type) noexcept;
[[nodiscard]] bool is_known_ppp_protocol(std::uint16_t protocol) noexcept;

}  // namespace dpi
