// IPv4 (RFC 791 §3.1) and the dispatch on the protocol number.
//
//  0                   1                   2                   3
// |Version|  IHL  |Type of Service|          Total Length         |
// |         Identification        |Flags|      Fragment Offset    |
// |  Time to Live |    Protocol   |         Header Checksum       |
// |                       Source Address                          |
// |                    Destination Address                        |
#include "dissectors/layers.h"

namespace dpi {

Layer layer_of_ip_protocol(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case ip_protocol::tcp:
      return Layer::tcp;
    case ip_protocol::udp:
      return Layer::udp;
    case ip_protocol::icmp:
      return Layer::icmp;
    case ip_protocol::icmpv6:
      return Layer::icmpv6;
    case ip_protocol::sctp:
    case ip_protocol::dccp:
    case ip_protocol::udplite:
      return Layer::ports_only;
    case ip_protocol::gre:
      return Layer::gre;
    case ip_protocol::etherip:
      return Layer::etherip;
    case ip_protocol::ipip:
      return Layer::ipv4_in_ip;
    case ip_protocol::ipv6:
      return Layer::ipv6_in_ip;
    case ip_protocol::mpls:  // RFC 4023
      return Layer::mpls;
    case ip_protocol::l2tp:
      return Layer::l2tpv3;
    case ip_protocol::pim:
      return Layer::pim;
    case ip_protocol::ethernet:
      return Layer::ethernet_in_ip;
    default:
      return Layer::end;
  }
}

namespace layers {
namespace {

// RFC 4302 §2: next header(1) length in 4-byte words minus 2 (1) … Its bytes; 0 when it is cut.
std::uint32_t step_over_ah(DecodeContext& context, std::uint8_t& protocol) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t next = in.u8();
  const std::size_t length = (std::size_t{in.u8()} + 2) * 4;
  if (!in.ok() || length > context.data.size()) return 0;
  context.view.encapsulations.push(Encapsulation::ah);
  context.advance(length);
  protocol = next;
  return static_cast<std::uint32_t>(length);
}

}  // namespace

Layer ipv4_upper_layer(DecodeContext& context, std::uint8_t protocol,
                       std::uint32_t wire_bytes) noexcept {
  std::uint32_t headers = 0;
  if (protocol == ip_protocol::ah) {
    headers = step_over_ah(context, protocol);
    if (headers == 0) return context.refuse(Anomaly::ip_header_cut);
  }
  context.view.protocol = protocol;
  context.view.l4 = context.data;
  context.view.l4_bytes = wire_bytes > headers ? wire_bytes - headers : 0;
  return layer_of_ip_protocol(protocol);
}

Layer ipv4(DecodeContext& context) noexcept {
  if (context.trial == Trial::by_port && !is_ipv4(context.claimed())) return Layer::end;
  ByteCursor in{context.data};
  const std::uint8_t version_length = in.u8();
  in.skip(1);
  std::uint32_t total = in.be16();
  const std::uint16_t id = in.be16();
  const std::uint16_t fragment = in.be16();
  const std::uint8_t ttl = in.u8();
  std::uint8_t protocol = in.u8();
  in.skip(2);
  const Bytes src = in.take(4);
  const Bytes dst = in.take(4);
  if (!in.ok()) return context.refuse(Anomaly::ip_header_cut);
  if (version_length >> 4U != 4) return context.refuse(Anomaly::ip_version_invalid);
  const std::uint32_t header = (version_length & 15U) * 4U;
  if (header < 20) return context.refuse(Anomaly::ip_header_length_invalid);

  context.verified();
  PacketView& view = context.view;
  context.keep_outer();
  if (total == 0 && context.wire_left > header) {
    add(view.anomalies, Anomaly::ip_length_zero);
    total = context.wire_left;
  }
  // Inside a tunnel's first fragment the rest comes in the later ones.
  if (total > context.wire_left && !view.outer.fragment.present)
    add(view.anomalies, Anomaly::ip_length_exceeds_frame);
  if (total < header) add(view.anomalies, Anomaly::ip_length_below_header);
  view.ip_version = 4;
  view.ttl = ttl;
  view.src = IpAddress::from_wire(src);
  view.dst = IpAddress::from_wire(dst);
  view.ip_bytes = total;
  view.protocol = protocol;
  view.has_transport = false;
  view.src_port = view.dst_port = 0;
  view.payload = {};
  view.payload_bytes = 0;
  context.limit(total);
  view.l3 = context.data;
  view.fragment = Fragment{.present = (fragment & 0x3fffU) != 0,
                           .more = (fragment & 0x2000U) != 0,
                           .id = id,
                           .offset_bytes = (fragment & 0x1fffU) * 8U,
                           .protocol = protocol,
                           .data = {},
                           .bytes = 0};
  context.advance(header);
  const std::uint32_t behind = total > header ? total - header : 0;
  view.fragment.data = context.data;
  view.fragment.bytes = behind;
  if (view.fragment.offset_bytes == 0) return ipv4_upper_layer(context, protocol, behind);
  view.l4 = context.data;
  view.l4_bytes = behind;
  return Layer::end;
}

}  // namespace layers
}  // namespace dpi
