#include "dissectors/evidence.h"

#include <algorithm>
#include <array>

#include "dissectors/checksum.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::array<std::uint16_t, 14> ethertypes{
    0x0806, 0x8035,          // ARP, RARP
    0x8809, 0x8863, 0x888e,  // slow protocols, PPPoE discovery, 802.1X
    0x88a1, 0x88a2,          // HomePlug, ATA over Ethernet
    0x88ba, 0x88b8,          // IEC 61850
    0x88cc, 0x88f7, 0x8902,  // LLDP, PTP, fault management
    0x8906, 0x8914,          // Fibre Channel over Ethernet
};
// RFC 1661 and the registry: link and network control, authentication, what is compressed or
// encrypted.
constexpr std::array<std::uint16_t, 16> ppp_protocols{
    0xc021, 0xc023, 0xc025, 0xc223, 0xc227, 0x8021, 0x8057, 0x80fd,
    0x8053, 0x8281, 0x8031, 0x00fd, 0x00fb, 0x0053, 0x002d, 0x002f};

bool is_arp(Bytes data) noexcept {
  ByteCursor in(data);
  const std::uint16_t hardware = in.be16();
  const std::uint16_t protocol = in.be16();
  const std::uint16_t lengths = in.be16();
  return in.ok() && hardware == 1 && protocol == 0x0800 && lengths == 0x0604;
}

// RFC 2516 §4, RFC 1661 §2: a session's header that fits, with IP or something known behind it.
bool is_pppoe_session(const Claimed& claimed) noexcept {
  constexpr std::uint32_t header = 6;
  ByteCursor in(claimed.data);
  const std::uint16_t version_type_code = in.be16();
  in.skip(2);  // session id
  const std::uint32_t length = in.be16();
  const std::uint16_t protocol = in.be16();
  if (!in.ok() || version_type_code != 0x1100) return false;
  if (length + header > claimed.wire_bytes && !claimed.first_piece) return false;
  return is_known_ppp_protocol(protocol) || is_ppp(claimed.behind(header));
}

bool is_ethernet_within(const Claimed& claimed, int depth) noexcept;

// RFC 3032 §2.1: a whole stack, then IP, or a frame with its control word (RFC 4385) or without.
bool is_labelled(const Claimed& claimed, int depth) noexcept {
  constexpr int labels_max = 16;
  constexpr std::size_t control_word = 4;
  ByteCursor in(claimed.data);
  bool bottom = false;
  for (int i = 0; i < labels_max && !bottom; ++i) bottom = (in.be32() & 0x100U) != 0 && in.ok();
  if (!bottom) return false;
  const Claimed inside = claimed.behind(in.position());
  return is_ip(inside) || is_ethernet_within(inside, depth) ||
         is_ethernet_within(inside.behind(control_word), depth);
}

bool is_ethernet_within(const Claimed& claimed, int depth) noexcept {
  constexpr int tags_max = 4, depth_max = 2;
  if (depth > depth_max) return false;
  ByteCursor in(claimed.data);
  in.skip(12);
  for (int tags = 0; tags <= tags_max; ++tags) {
    const std::uint16_t type = in.be16();
    if (!in.ok()) return false;
    const Claimed inside = claimed.behind(in.position());
    switch (type) {
      case 0x0800:
        return is_ipv4(inside);
      case 0x86dd:
        return is_ipv6(inside);
      case 0x0806:
        return is_arp(in.rest());
      case 0x8864:
        return is_pppoe_session(inside);
      case 0x8847:
      case 0x8848:
        return is_labelled(inside, depth + 1);
      case 0x8100:
      case 0x88a8:
      case 0x9100:
        in.skip(2);
        break;
      default:
        return is_known_ethertype(type);
    }
  }
  return false;
}

}  // namespace

Claimed Claimed::behind(std::size_t bytes) const noexcept {
  const std::size_t step = std::min(bytes, data.size());
  return {.data = data.subspan(step),
          .wire_bytes = wire_bytes - std::min(wire_bytes, static_cast<std::uint32_t>(bytes)),
          .first_piece = first_piece};
}

bool is_ipv4(const Claimed& claimed) noexcept {
  ByteCursor in(claimed.data);
  const std::uint8_t version_length = in.u8();
  in.skip(1);
  const std::uint16_t total = in.be16();
  in.skip(6);
  const std::uint16_t checksum = in.be16();
  in.skip(8);
  const std::size_t header = (version_length & 15U) * std::size_t{4};
  if (!in.ok() || version_length >> 4U != 4 || header < 20) return false;
  if (total != 0 && total < header) return false;
  if (total > claimed.wire_bytes && !claimed.first_piece) return false;
  if (header > claimed.wire_bytes) return false;
  if (checksum == 0 || header > claimed.data.size()) return true;
  return ones_complement_sum(claimed.data.first(header)) == 0xffff;
}

bool is_ipv6(const Claimed& claimed) noexcept {
  constexpr std::uint32_t header = 40;
  ByteCursor in(claimed.data);
  const std::uint8_t version = in.u8();
  in.skip(3);
  const std::uint32_t payload = in.be16();
  in.skip(header - 6);
  if (!in.ok() || version >> 4U != 6) return false;
  return payload + header <= claimed.wire_bytes || claimed.first_piece;
}

bool is_ip(const Claimed& claimed) noexcept {
  return is_ipv4(claimed) || is_ipv6(claimed);
}

bool is_ethernet(const Claimed& claimed) noexcept {
  return is_ethernet_within(claimed, 0);
}

bool is_ppp(const Claimed& claimed) noexcept {
  ByteCursor in(claimed.data);
  std::uint16_t protocol = in.u8();
  if ((protocol & 1U) == 0) protocol = static_cast<std::uint16_t>(protocol << 8U | in.u8());
  if (!in.ok()) return false;
  const Claimed packet = claimed.behind(in.position());
  return protocol == 0x21 ? is_ipv4(packet) : protocol == 0x57 && is_ipv6(packet);
}

bool is_known_ethertype(std::uint16_t type) noexcept {
  return std::find(ethertypes.begin(), ethertypes.end(), type) != ethertypes.end();
}

bool is_known_ppp_protocol(std::uint16_t protocol) noexcept {
  return std::find(ppp_protocols.begin(), ppp_protocols.end(), protocol) != ppp_protocols.end();
}

}  // namespace dpi
