// UDP (RFC 768), and the protocols whose header begins with two ports (SCTP RFC 9260, DCCP RFC
// 4340, UDP-Lite RFC 3828).
#include <algorithm>
#include <array>

#include "dissectors/layers.h"

namespace dpi {

namespace {

// Which side has a tunnel's registered port (IANA).
enum class TunnelPort : std::uint8_t {
  destination,  // the source port only spreads flows over paths (RFC 7348 §5)
  either,       // the other end answers from it
};
struct UdpTunnel {
  std::uint16_t port;
  TunnelPort side;
  Layer layer;
};
constexpr std::array udp_tunnels = std::to_array<UdpTunnel>({
    {1701, TunnelPort::either, Layer::l2tp},       // RFC 2661 §8.1
    {2152, TunnelPort::destination, Layer::gtpu},  // TS 29.281 §4.4.2
    {3544, TunnelPort::either, Layer::teredo},     // RFC 4380 §2.7
    {4341, TunnelPort::destination, Layer::lisp},  // RFC 9300 §5.3
    {4342, TunnelPort::destination, Layer::lisp_control},
    {4754, TunnelPort::destination, Layer::gre},    // RFC 8086 §3.1
    {4789, TunnelPort::destination, Layer::vxlan},  // RFC 7348 §5
    {4790, TunnelPort::destination, Layer::vxlan_gpe},
    {5072, TunnelPort::either, Layer::ayiya},
    {5247, TunnelPort::either, Layer::capwap},       // RFC 5415 §3.1
    {6081, TunnelPort::destination, Layer::geneve},  // RFC 8926 §3.3
    {6635, TunnelPort::destination, Layer::mpls},    // RFC 7510 §3
    {8472, TunnelPort::destination, Layer::vxlan},   // Linux' and OTV's older port
    {12222, TunnelPort::either, Layer::lwapp},       // RFC 5412 §3.1
    {37008, TunnelPort::destination, Layer::tzsp},
});

// Services that answer a client whatever port it has chosen: a tunnel's port proves nothing there.
bool is_service(std::uint16_t port) noexcept {
  switch (port) {
    case 53:    // DNS
    case 67:    // DHCP
    case 69:    // TFTP
    case 88:    // Kerberos
    case 123:   // NTP
    case 137:   // NetBIOS names
    case 161:   // SNMP
    case 389:   // LDAP
    case 443:   // QUIC
    case 500:   // IKE
    case 514:   // syslog
    case 853:   // DNS over QUIC, DTLS
    case 1812:  // RADIUS
    case 1813:
    case 3478:  // STUN
    case 4500:  // IKE and ESP behind NAT
    case 5060:  // SIP
    case 5353:  // multicast DNS
    case 5355:  // LLMNR
      return true;
    default:
      return false;
  }
}

Layer tunnel_at(std::uint16_t port, bool source) noexcept {
  const auto* const found =
      std::find_if(udp_tunnels.begin(), udp_tunnels.end(),
                   [port](const UdpTunnel& each) { return each.port == port; });
  if (found == udp_tunnels.end()) return Layer::end;
  return source && found->side == TunnelPort::destination ? Layer::end : found->layer;
}

}  // namespace

// What the ports let one try; what is inside decides.
Layer layer_of_udp_ports(std::uint16_t src, std::uint16_t dst) noexcept {
  if (is_service(src) || is_service(dst)) return Layer::end;
  const Layer layer = tunnel_at(dst, false);
  return layer != Layer::end ? layer : tunnel_at(src, true);
}

namespace layers {

Layer udp(DecodeContext& context) noexcept {
  constexpr std::uint32_t header = 8;
  PacketView& view = context.view;
  ByteCursor in{context.data};
  const std::uint16_t src = in.be16();
  const std::uint16_t dst = in.be16();
  const std::uint16_t length = in.be16();
  in.skip(2);
  if (context.data.size() >= 4) {
    view.src_port = src;
    view.dst_port = dst;
  }
  if (!in.ok()) return context.refuse(Anomaly::transport_header_cut);
  view.has_transport = true;
  // The IP length rules (counting rules, "Bytes"); a UDP length that disagrees is named.
  if (length != 0 && (length < header || length > view.l4_bytes)) {
    if (!view.fragment.present) add(view.anomalies, Anomaly::udp_length_invalid);
  }
  context.advance(in.position());
  view.payload_bytes = view.l4_bytes > header ? view.l4_bytes - header : 0;
  if (length > header && length - header < view.payload_bytes) context.limit(length - header);
  view.payload = context.data;
  return layer_of_udp_ports(src, dst);
}

Layer ports_only(DecodeContext& context) noexcept {
  PacketView& view = context.view;
  ByteCursor in{context.data};
  const std::uint16_t src = in.be16();
  const std::uint16_t dst = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::transport_header_cut);
  view.has_transport = true;
  view.src_port = src;
  view.dst_port = dst;
  context.advance(in.position());
  view.payload = context.data;
  return Layer::end;
}

}  // namespace layers
}  // namespace dpi
