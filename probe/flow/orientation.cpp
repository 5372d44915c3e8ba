#include "probe/flow/orientation.h"

#include <array>
#include <optional>

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

// The QR bit of a DNS header (RFC 1035 §4.1.1). Multicast announcements answer nobody.
std::optional<OrientationEvidence> of_dns(const PacketView& view) noexcept {
  if (view.protocol != ip_protocol::udp || view.payload.size() < 12) return std::nullopt;
  if ((!is_dns_port(view.src_port) && !is_dns_port(view.dst_port)) || is_multicast(view.dst))
    return std::nullopt;
  return OrientationEvidence{Orientation::dns_qr, (view.payload[2] & 0x80U) == 0};
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

// System ports (RFC 6335 §6) and the few user ports that mean a service everywhere.
bool is_service_port(std::uint16_t port) noexcept {
  switch (port) {
    case 1433:
    case 1521:
    case 1883:
    case 3306:
    case 3389:
    case 5060:
    case 5222:
    case 5432:
    case 5900:
    case 6379:
    case 8080:
    case 8443:
      return true;
    default:
      return port != 0 && port < 1024;
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

OrientationEvidence orientation_of(const PacketView& view) noexcept {
  if (const auto e = of_tcp_flags(view)) return *e;
  if (const auto e = of_dns(view)) return *e;
  if (const auto e = of_tls(view)) return *e;
  if (const auto e = of_http(view)) return *e;
  if (const auto e = of_icmp(view)) return *e;
  if (const auto e = of_ports(view)) return *e;
  if (is_multicast(view.dst)) return {Orientation::multicast, true};
  return {Orientation::first_packet, true};
}

}  // namespace dpi
