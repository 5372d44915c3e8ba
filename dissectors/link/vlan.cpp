// Tags between the addresses and the payload: 802.1Q, 802.1ad and QinQ, VN-Tag, provider backbone
// bridging.
#include "dissectors/layers.h"

namespace dpi::layers {

// IEEE 802.1Q §9.6: PCP(3) DEI(1) VID(12), then the next EtherType (or an 802.3 length).
Layer vlan(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t tci = in.be16();
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.vlan_ids.push(static_cast<std::uint16_t>(tci & 0x0fffU));
  context.view.encapsulations.push(context.ethertype == 0x8100 ? Encapsulation::vlan
                                                               : Encapsulation::qinq);
  context.advance(in.position());
  if (type >= 0x0600) return layer_of_ethertype(context, type);
  context.limit(type);
  return Layer::llc;
}

// Cisco VN-Tag (802.1Qbh draft): four bytes, then the next EtherType.
Layer vntag(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(4);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::vntag);
  context.advance(in.position());
  return layer_of_ethertype(context, type);
}

// IEEE 802.1ah I-TAG: flags and 24-bit service id, then a whole customer Ethernet frame.
Layer pbb(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(4);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::pbb);
  context.advance(in.position());
  return Layer::ethernet;
}

}  // namespace dpi::layers
