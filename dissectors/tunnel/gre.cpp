// GRE (RFC 2784, keys and sequence numbers RFC 2890), PPTP's version 1 (RFC 2637), NVGRE (RFC 7637)
// and ERSPAN types I to III (draft-foschiano-erspan).
//
// |C|R|K|S|s|Recur|A| Flags | Ver |         Protocol Type         |
#include "dissectors/layers.h"

namespace dpi::layers {
namespace {

constexpr std::uint16_t has_checksum = 0x8000, has_routing = 0x4000, has_key = 0x2000,
                        has_sequence = 0x1000, has_acknowledgement = 0x0080;

// Type I has no header of its own (and no GRE sequence number); type II has 8 bytes: version 1,
// VLAN, session id (10 bits). Both are followed by Ethernet.
Layer erspan_1_or_2(DecodeContext& context, bool sequence) noexcept {
  if (!sequence) {
    context.enter_tunnel(Encapsulation::erspan);
    return Layer::ethernet;
  }
  ByteCursor in{context.data};
  in.skip(2);
  const std::uint16_t session = in.be16() & 0x03ffU;
  in.skip(4);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.enter_tunnel(Encapsulation::erspan, session);
  context.advance(in.position());
  return Layer::ethernet;
}

// Type III: 12 bytes, and 8 more when the O bit (lowest) is set. FT (bits 10–14 of the last
// half-word) says whether the frame is Ethernet (0) or IP (2).
Layer erspan_3(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(2);
  const std::uint16_t session = in.be16() & 0x03ffU;
  in.skip(6);
  const std::uint16_t flags = in.be16();
  if ((flags & 1U) != 0) in.skip(8);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.enter_tunnel(Encapsulation::erspan, session);
  context.advance(in.position());
  return (flags >> 10U & 0x1fU) == 2 ? Layer::raw_ip : Layer::ethernet;
}

// Controllers of wireless networks tunnel the frames of their access points under types of Aruba's.
bool carries_80211(std::uint16_t type) noexcept {
  return (type >= 0x8200 && type <= 0x83ff) || type == 0x9000;
}

}  // namespace

Layer gre(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t flags = in.be16();
  const std::uint16_t type = in.be16();
  const std::uint32_t version = flags & 7U;
  if ((flags & (has_checksum | has_routing)) != 0) in.skip(4);
  const std::uint32_t key = (flags & has_key) != 0 ? in.be32() : 0;
  if ((flags & has_sequence) != 0) in.skip(4);
  if (version == 1 && (flags & has_acknowledgement) != 0) in.skip(4);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (version > 1 || (flags & has_routing) != 0) {
    return context.refuse(Anomaly::tunnel_header_invalid);
  }
  // RFC 2637 §4.1: without a sequence number it only acknowledges, nothing follows.
  if (version == 1 && (flags & has_sequence) == 0) return Layer::end;
  context.advance(in.position());
  if (type == 0x88be) return erspan_1_or_2(context, (flags & has_sequence) != 0);
  if (type == 0x22eb) return erspan_3(context);
  if (type == 0x6558 && (flags & has_key) != 0) {
    context.enter_tunnel(Encapsulation::nvgre, key >> 8U);
  } else if ((flags & has_key) != 0) {
    context.enter_tunnel(Encapsulation::gre, version == 1 ? key & 0xffffU : key);
  } else {
    context.enter_tunnel(Encapsulation::gre);
  }
  if (type == 0x0000 || type == 0x00fe) return Layer::end;  // keepalive
  if (type == 0x8909) {  // Cisco metadata: over GRE the inner EtherType stands first
    ByteCursor metadata{context.data};
    const std::uint16_t inner = metadata.be16();
    metadata.skip(1);
    metadata.skip(metadata.u8() * 4U);
    if (!metadata.ok()) return context.refuse(Anomaly::link_header_cut);
    context.view.encapsulations.push(Encapsulation::cisco_metadata);
    context.advance(metadata.position());
    return layer_of_ethertype(context, inner);
  }
  if (type == 0x883e) {  // WCCP version 2 puts four bytes before IP, version 1 nothing
    if (context.data.empty()) return context.refuse(Anomaly::link_header_cut);
    context.view.encapsulations.push(Encapsulation::wccp);
    if (context.data[0] >> 4U != 4) context.advance(4);
    return Layer::ipv4;
  }
  if (carries_80211(type)) return Layer::ieee80211;
  return layer_of_ethertype(context, type);
}

// EtherIP (RFC 3378): version 3 in the first nibble, then Ethernet.
Layer etherip(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t version = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (version >> 12U != 3) return context.refuse(Anomaly::tunnel_header_invalid);
  context.enter_tunnel(Encapsulation::etherip);
  context.advance(in.position());
  return Layer::ethernet;
}

}  // namespace dpi::layers
