#include "probe/flow/orientation.h"

#include <algorithm>
#include <array>
#include <optional>

#include "dissectors/dns/content.h"
#include "probe/base/bytes.h"

namespace dpi {
namespace {

constexpr std::array<std::string_view, 9> names{"syn",          "syn_ack",   "dns_qr",
                                                "tls_hello",    "http",      "icmp_type",
                                                "service_port", "multicast", "first_packet"};

std::optional<OrientationEvidence> of_tcp_flags(const PacketView& view) noexcept {
  if (view.protocol != ip_protocol::tcp || !view.has_transport) return std::nullopt;
  if ((view.tcp.flags & tcp_flag::syn) == 0) return std::nullopt;
  if ((view.tcp.flags & tcp_flag::ack) != 0)
    return OrientationEvidence{Orientation::syn_ack, false};
  return OrientationEvidence{Orientation::syn, true};
}

bool is_dns_port(std::uint16_t port) noexcept {
  return port == 53 || port == 5353 || port == 5355;
}

// The QR bit of a DNS header (RFC 1035 §4.1.1). Multicast announcements answer nobody. On any other
// port a response must be one beyond doubt; of a query the first packet says as much.
std::optional<OrientationEvidence> of_dns(const PacketView& view) {
  if (view.protocol != ip_protocol::udp || view.payload.size() < 12 || is_multicast(view.dst))
    return std::nullopt;
  const bool response = (view.payload[2] & 0x80U) != 0;
  if (!is_dns_port(view.src_port) && !is_dns_port(view.dst_port) &&
      (!response || view.payload.size() != view.payload_bytes || !is_dns_content(view.payload)))
    return std::nullopt;
  return OrientationEvidence{Orientation::dns_qr, !response};
}

// A TLS record of type handshake whose first message is client_hello (1) or server_hello (2).
std::optional<OrientationEvidence> of_tls(const PacketView& view) noexcept {
  const Bytes p = view.payload;
  if (view.protocol != ip_protocol::tcp || p.size() < 6 || p[0] != 0x16 || p[1] != 0x03)
    return std::nullopt;
  if (p[5] == 1) return OrientationEvidence{Orientation::tls_hello, true};
  if (p[5] == 2) return OrientationEvidence{Orientation::tls_hello, false};
  return std::nullopt;
}

std::optional<OrientationEvidence> of_http(const PacketView& view) noexcept {
  if (view.protocol != ip_protocol::tcp || view.payload.size() < 8) return std::nullopt;
  const std::string_view text = as_text(view.payload);
  if (text.starts_with("HTTP/1.")) return OrientationEvidence{Orientation::http, false};
  constexpr std::array<std::string_view, 9> methods{
      "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "TRACE ", "PATCH "};
  for (const std::string_view method : methods) {
    if (text.starts_with(method)) return OrientationEvidence{Orientation::http, true};
  }
  return std::nullopt;
}

// Types that only a requester or only a responder sends (RFC 792, RFC 4443, RFC 4861).
std::optional<OrientationEvidence> of_icmp(const PacketView& view) noexcept {
  if (!view.has_transport) return std::nullopt;
  if (view.protocol == ip_protocol::icmp) {
    switch (view.icmp_type) {
      case 8:
      case 10:
      case 13:
      case 15:
      case 17:
        return OrientationEvidence{Orientation::icmp_type, true};
      case 0:
      case 9:
      case 14:
      case 16:
      case 18:
        return OrientationEvidence{Orientation::icmp_type, false};
      default:
        return std::nullopt;
    }
  }
  if (view.protocol == ip_protocol::icmpv6) {
    switch (view.icmp_type) {
      case 128:
      case 130:
      case 133:
      case 135:
      case 139:
      case 144:
        return OrientationEvidence{Orientation::icmp_type, true};
      case 129:
      case 131:
      case 134:
      case 136:
      case 140:
      case 145:
        return OrientationEvidence{Orientation::icmp_type, false};
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

// The chunks of an association's set-up (RFC 9260 §5.1): its SYN, its answer and two more.
std::optional<OrientationEvidence> of_sctp(const PacketView& view) noexcept {
  constexpr std::size_t header_bytes = 12;
  if (view.protocol != ip_protocol::sctp || view.l4.size() <= header_bytes) return std::nullopt;
  switch (view.l4[header_bytes]) {
    case 1:  // INIT
      return OrientationEvidence{Orientation::syn, true};
    case 2:  // INIT ACK
      return OrientationEvidence{Orientation::syn_ack, false};
    case 10:  // COOKIE ECHO
      return OrientationEvidence{Orientation::syn_ack, true};
    case 11:  // COOKIE ACK
      return OrientationEvidence{Orientation::syn_ack, false};
    default:
      return std::nullopt;
  }
}

// System ports (RFC 6335 §6) and the few user ports that mean a service everywhere. Privileged
// clients (rsh, NFS, RADIUS, iSCSI) take theirs from 512 to 1023, so of these only known services
// count.
bool is_service_port(std::uint16_t port) noexcept {
  switch (port) {
    case 514:
    case 515:
    case 520:
    case 521:
    case 523:
    case 524:
    case 543:
    case 544:
    case 546:
    case 547:
    case 548:
    case 554:
    case 563:
    case 587:
    case 593:
    case 623:
    case 631:
    case 636:
    case 646:
    case 749:
    case 830:
    case 853:
    case 860:
    case 873:
    case 902:
    case 989:
    case 990:
    case 992:
    case 993:
    case 995:
    case 1433:
    case 1521:
    case 1645:
    case 1646:
    case 1812:
    case 1813:
    case 1883:
    case 2049:
    case 3260:
    case 3306:
    case 3389:
    case 4045:
    case 5060:
    case 5222:
    case 5432:
    case 5900:
    case 6343:
    case 6379:
    case 8080:
    case 8443:
    case 20048:
      return true;
    default:
      return port != 0 && port < 512;
  }
}

std::optional<OrientationEvidence> of_ports(const PacketView& view) noexcept {
  if (!view.has_transport || view.protocol == ip_protocol::icmp ||
      view.protocol == ip_protocol::icmpv6) {
    return std::nullopt;
  }
  const bool src = is_service_port(view.src_port);
  const bool dst = is_service_port(view.dst_port);
  if (src == dst) return std::nullopt;
  return OrientationEvidence{Orientation::service_port, dst};
}

}  // namespace

std::string_view orientation_name(Orientation orientation) noexcept {
  return names[static_cast<std::size_t>(orientation)];
}

namespace {

OrientationEvidence evidence_of(const PacketView& view) {
  if (const auto e = of_tcp_flags(view)) return *e;
  if (const auto e = of_sctp(view)) return *e;
  if (const auto e = of_dns(view)) return *e;
  if (const auto e = of_tls(view)) return *e;
  if (const auto e = of_http(view)) return *e;
  if (const auto e = of_icmp(view)) return *e;
  if (const auto e = of_ports(view)) return *e;
  if (is_multicast(view.dst)) return {Orientation::multicast, true};
  return {Orientation::first_packet, true};
}

// RFC 1112 §7.2, RFC 4291 §2.7, RFC 919 §7: nothing is sent from there, so it asked for nothing. Of
// a subnet only the link says that an address is its broadcast address, and frames are made up with
// such addresses, so that it outweighs no more than ports.
bool is_group(const IpAddress& address) noexcept {
  constexpr std::array<std::uint8_t, 4> broadcast{255, 255, 255, 255};
  const Bytes wire = address.wire();
  return is_multicast(address) ||
         std::equal(wire.begin(), wire.end(), broadcast.begin(), broadcast.end());
}

}  // namespace

OrientationEvidence orientation_of(const PacketView& view) {
  const OrientationEvidence evidence = evidence_of(view);
  const bool to_all =
      is_group(view.dst) || (view.link_broadcast && evidence.method == Orientation::service_port);
  if (!evidence.sender_initiates && to_all) return {Orientation::multicast, true};
  return evidence;
}

}  // namespace dpi
