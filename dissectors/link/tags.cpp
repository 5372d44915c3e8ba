// Tags of bridges, rings and fabrics that stand before the next EtherType.
#include "dissectors/layers.h"

namespace dpi::layers {

// IEEE 802.1BR §11.2.1: E-PCP(3) E-DEI(1) ingress E-CID(12), GRP(2) E-CID(12), two extensions.
Layer etag(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(6);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::etag);
  context.advance(in.position());
  if (type >= 0x0600) return layer_of_ethertype(context, type);
  context.limit(type);
  return Layer::llc;
}

// Cisco metadata: version(1) length in words(1) options, then the next EtherType.
Layer cisco_metadata(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(1);
  in.skip(in.u8() * 4U);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::cisco_metadata);
  context.advance(in.position());
  return layer_of_ethertype(context, type);
}

// HSR (IEC 62439-3 §5.8): path and size(2) sequence(2), then the next EtherType.
Layer hsr(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(4);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::hsr);
  context.advance(in.position());
  return layer_of_ethertype(context, type);
}

}  // namespace dpi::layers
