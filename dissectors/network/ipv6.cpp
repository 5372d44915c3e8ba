// IPv6 (RFC 8200 §3, extension headers §4) with bounded depth.
#include "dissectors/layers.h"

namespace dpi::layers {
namespace {

constexpr int extensions_max = 16;

enum class Walk : std::uint8_t { upper_layer, later_fragment, refused };

// Steps over the extension headers that may stand before the transport header.
Walk step_over_extensions(DecodeContext& context, std::uint8_t& next) noexcept {
  for (int count = 0; count < extensions_max; ++count) {
    ByteCursor in{context.data};
    std::size_t length = 0;
    switch (next) {
      case ip_protocol::hop_by_hop:
      case ip_protocol::routing:
      case ip_protocol::destination_options:
        next = in.u8();
        length = (std::size_t{in.u8()} + 1) * 8;
        break;
      case ip_protocol::ah:
        next = in.u8();
        length = (std::size_t{in.u8()} + 2) * 4;
        if (in.ok()) context.view.encapsulations.push(Encapsulation::ah);
        break;
      case ip_protocol::fragment: {
        const std::uint8_t behind = in.u8();
        in.skip(1);
        const std::uint16_t offset = in.be16();
        const std::uint32_t id = in.be32();
        length = 8;
        if (in.ok()) {
          next = behind;
          // RFC 6946: offset 0 without more fragments is an atomic fragment, a whole datagram.
          const bool whole = (offset & 0xfff9U) == 0;
          context.view.fragment = Fragment{.present = !whole,
                                           .more = (offset & 1U) != 0,
                                           .id = id,
                                           .offset_bytes = offset & 0xfff8U,
                                           .protocol = behind,
                                           .data = context.data.subspan(length),
                                           .bytes = 0};
        }
        break;
      }
      default:
        return Walk::upper_layer;
    }
    if (!in.ok() || length > context.data.size()) {
      add(context.view.anomalies, Anomaly::ipv6_extension_cut);
      return Walk::refused;
    }
    context.advance(length);
    if (context.view.fragment.offset_bytes != 0) return Walk::later_fragment;
  }
  add(context.view.anomalies, Anomaly::ipv6_extensions_too_many);
  return Walk::refused;
}

}  // namespace

Layer ipv6_upper_layer(DecodeContext& context, std::uint8_t protocol,
                       std::uint32_t wire_bytes) noexcept {
  PacketView& view = context.view;
  const std::size_t before = context.data.size();
  const Walk walk = step_over_extensions(context, protocol);
  const auto extensions = static_cast<std::uint32_t>(before - context.data.size());
  view.protocol = protocol;
  view.l4 = context.data;
  view.l4_bytes = wire_bytes > extensions ? wire_bytes - extensions : 0;
  if (view.fragment.present) {
    const auto inside = static_cast<std::uint32_t>(view.fragment.data.size() - context.data.size());
    view.fragment.bytes = view.l4_bytes + inside;
  }
  if (walk != Walk::upper_layer) return Layer::end;
  return layer_of_ip_protocol(protocol);
}

Layer ipv6(DecodeContext& context) noexcept {
  if (context.trial == Trial::by_port && !is_ipv6(context.claimed())) return Layer::end;
  constexpr std::uint32_t header = 40;
  ByteCursor in{context.data};
  const std::uint32_t version_class_label = in.be32();
  const std::uint32_t payload = in.be16();
  std::uint8_t next = in.u8();
  const std::uint8_t hop_limit = in.u8();
  const Bytes src = in.take(16);
  const Bytes dst = in.take(16);
  if (!in.ok()) return context.refuse(Anomaly::ip_header_cut);
  if (version_class_label >> 28U != 6) return context.refuse(Anomaly::ip_version_invalid);

  context.verified();
  PacketView& view = context.view;
  context.keep_outer();
  std::uint32_t total = payload + header;
  // A jumbogram (RFC 2675) or segmentation offload; an empty packet says "no next header".
  if (payload == 0 && next != ip_protocol::no_next_header && context.wire_left > header) {
    add(view.anomalies, Anomaly::ip_length_zero);
    total = context.wire_left;
  }
  if (total > context.wire_left && !view.outer.fragment.present)
    add(view.anomalies, Anomaly::ip_length_exceeds_frame);
  view.ip_version = 6;
  view.ttl = hop_limit;
  view.src = IpAddress::from_wire(src);
  view.dst = IpAddress::from_wire(dst);
  view.ip_bytes = total;
  view.has_transport = false;
  view.src_port = view.dst_port = 0;
  view.payload = {};
  view.payload_bytes = 0;
  view.fragment = Fragment{};
  context.limit(total);
  view.l3 = context.data;
  context.advance(header);
  return ipv6_upper_layer(context, next, total - header);
}

}  // namespace dpi::layers
