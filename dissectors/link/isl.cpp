// Cisco ISL: destination(5) type and user(1) source(6) length(2) AA AA 03, source high bytes(3),
// VLAN(15) and BPDU(1), index(2), reserved(2); then a whole Ethernet frame.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer isl(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(20);
  const std::uint16_t vlan_bpdu = in.be16();
  in.skip(4);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.vlan_ids.push(static_cast<std::uint16_t>(vlan_bpdu >> 1U & 0x0fffU));
  context.view.encapsulations.push(Encapsulation::isl);
  context.advance(in.position());
  return Layer::ethernet;
}

}  // namespace dpi::layers
