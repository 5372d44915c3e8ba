// MPLS label stack (RFC 3032): label(20) TC(3) bottom(1) TTL(8). What follows has no type field;
// the first nibble tells IPv4, IPv6, or a pseudowire (RFC 4385 control word 0, or Ethernet without
// one).
#include "dissectors/layers.h"

namespace dpi::layers {

Layer mpls(DecodeContext& context) noexcept {
  constexpr int labels_max = 16;
  bool bottom = false;
  for (int i = 0; i < labels_max && !bottom; ++i) {
    ByteCursor in{context.data};
    const std::uint32_t entry = in.be32();
    if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
    bottom = (entry & 0x100U) != 0;
    context.advance(in.position());
  }
  if (!bottom) return context.refuse(Anomaly::encapsulation_too_deep);
  context.view.encapsulations.push(Encapsulation::mpls);
  if (context.data.empty()) return context.refuse(Anomaly::link_header_cut);
  switch (context.data[0] >> 4U) {
    case 4:
      return Layer::ipv4;
    case 6:
      return Layer::ipv6;
    case 0:
      context.advance(4);  // pseudowire control word
      return Layer::ethernet;
    case 1:
      return Layer::end;  // associated channel
    default:
      return Layer::ethernet;
  }
}

}  // namespace dpi::layers
