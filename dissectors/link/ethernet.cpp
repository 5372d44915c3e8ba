// Ethernet II and IEEE 802.3 with LLC/SNAP, and the dispatch on EtherType.
#include "dissectors/layers.h"

namespace dpi {

Layer layer_of_ethertype(DecodeContext& context, std::uint16_t ethertype) noexcept {
  context.ethertype = ethertype;
  switch (ethertype) {
    case 0x0800:
      return Layer::ipv4;
    case 0x86dd:
      return Layer::ipv6;
    case 0x8100:  // 802.1Q
    case 0x88a8:  // 802.1ad
    case 0x9100:  // QinQ before 802.1ad
    case 0x9200:
      return Layer::vlan;
    case 0x8847:
    case 0x8848:
      return Layer::mpls;
    case 0x8864:
      return Layer::pppoe;
    case 0x88e7:
      return Layer::pbb;
    case 0x8926:
      return Layer::vntag;
    case 0x893f:
      return Layer::etag;
    case 0x8909:
      return Layer::cisco_metadata;
    case 0x88e5:
      return Layer::macsec;
    case 0x892f:
      return Layer::hsr;
    case 0x22f3:
      return Layer::trill;
    case 0x8903:
      return Layer::fabricpath;
    case 0x894f:
      return Layer::nsh;
    case 0x6558:
      return Layer::ethernet;  // transparent Ethernet bridging
    case 0x880b:
      return Layer::ppp;
    default:
      if (is_known_ethertype(ethertype)) context.verified();
      return Layer::end;
  }
}

Layer layer_of_ip_version(DecodeContext& context) noexcept {
  if (context.data.empty()) return context.refuse(Anomaly::ip_header_cut);
  switch (context.data[0] >> 4U) {
    case 4:
      return Layer::ipv4;
    case 6:
      return Layer::ipv6;
    default:
      return context.refuse(Anomaly::ip_version_invalid);
  }
}

namespace layers {

Layer ethernet(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const Bytes destination = in.take(6);
  in.skip(6);  // source
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  // Cisco ISL is told by its multicast address, 01-00-0C-00-00 or 03-00-0C-00-00.
  const bool isl = (destination[0] & 0xfdU) == 0x01 && destination[1] == 0 &&
                   destination[2] == 0x0c && destination[3] == 0 && destination[4] == 0;
  if (isl && type < 0x0600) return Layer::isl;
  context.view.link_broadcast =
      std::all_of(destination.begin(), destination.end(), [](std::uint8_t b) { return b == 0xff; });
  context.advance(in.position());
  if (type >= 0x0600) return layer_of_ethertype(context, type);
  context.limit(type);  // IEEE 802.3: a length; raw Novell frames have no LLC, they are not IP
  return Layer::llc;
}

Layer ethertype(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  return layer_of_ethertype(context, type);
}

// IEEE 802.2: SNAP (aa aa 03, OUI 00 00 00 or 00 00 f8, EtherType), a bridged Ethernet frame
// (OUI 00 80 c2, RFC 2684 §5.2), IP directly (06 06 03), or an NLPID (fe fe 03, RFC 2684 §5.1).
Layer llc(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t dsap = in.u8();
  const std::uint8_t ssap = in.u8();
  const std::uint8_t control = in.u8();
  if (!in.ok()) return Layer::end;
  if (dsap == 0x06 && ssap == 0x06 && control == 0x03) {
    context.advance(in.position());
    return Layer::ipv4;
  }
  if (dsap == 0xfe && ssap == 0xfe && control == 0x03) {
    const std::uint8_t nlpid = in.u8();
    context.advance(in.position());
    if (nlpid == 0xcc) return Layer::ipv4;
    if (nlpid == 0x8e) return Layer::ipv6;
    if (nlpid == 0xcf) return Layer::ppp;
    if (nlpid == 0x83) context.verified();  // IS-IS (ISO 10589)
    return Layer::end;
  }
  if (dsap == 0x42 && ssap == 0x42 && control == 0x03) context.verified();  // spanning tree
  if ((dsap & 0xfeU) != 0xaa || (ssap & 0xfeU) != 0xaa || control != 0x03) return Layer::end;
  const std::uint32_t oui = in.be24();
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  if (oui == 0x0080c2 && (type == 0x0001 || type == 0x0007)) {
    context.advance(2);  // pad
    return Layer::ethernet;
  }
  if (oui == 0x00000c) context.verified();  // Cisco's discovery, spanning tree and trunking
  if (oui != 0x000000 && oui != 0x0000f8) return Layer::end;
  return layer_of_ethertype(context, type);
}

}  // namespace layers
}  // namespace dpi
