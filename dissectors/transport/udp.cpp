// UDP (RFC 768), and the protocols whose header begins with two ports (SCTP RFC 9260, DCCP RFC
// 4340, UDP-Lite RFC 3828).
#include "dissectors/layers.h"

namespace dpi {

// Registered ports of tunnels (IANA); the tunnel's own header check decides whether it really is
// one.
Layer layer_of_udp_ports(std::uint16_t src, std::uint16_t dst) noexcept {
  const auto by_port = [](std::uint16_t port) {
    switch (port) {
      case 4341:
        return Layer::lisp;
      case 4342:
        return Layer::lisp_control;
      case 4790:
        return Layer::vxlan_gpe;
      case 5072:
        return Layer::ayiya;
      case 12222:
        return Layer::lwapp;
      case 1701:
        return Layer::l2tp;
      case 2152:
        return Layer::gtpu;
      case 3544:
        return Layer::teredo;
      case 4754:
        return Layer::gre;  // RFC 8086
      case 4789:
      case 8472:
        return Layer::vxlan;  // RFC 7348; 8472 is Linux' and OTV's older port
      case 5247:
        return Layer::capwap;
      case 6081:
        return Layer::geneve;
      case 6635:
        return Layer::mpls;  // RFC 7510
      case 37008:
        return Layer::tzsp;
      default:
        return Layer::end;
    }
  };
  const Layer layer = by_port(dst);
  return layer != Layer::end ? layer : by_port(src);
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
