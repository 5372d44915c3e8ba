// MPLS label stack (RFC 3032): label(20) TC(3) bottom(1) TTL(8). What follows has no type field:
// IP, or a pseudowire (RFC 4448) with Ethernet behind a control word (RFC 4385) or without one. A
// MAC address may begin with any nibble (RFC 8469), so what verifies is taken; else the nibble
// decides.
#include "dissectors/layers.h"

namespace dpi::layers {

namespace {

constexpr std::size_t control_word = 4;

Layer behind_labels(DecodeContext& context) noexcept {
  if (is_ipv4(context.claimed())) return Layer::ipv4;
  if (is_ethernet(context.claimed())) return Layer::ethernet;
  const std::uint8_t nibble = context.data[0] >> 4U;
  if (nibble == 0 && is_ethernet(context.claimed(control_word))) {
    context.advance(control_word);
    return Layer::ethernet;
  }
  switch (nibble) {
    case 4:
      return Layer::ipv4;
    case 6:
      return Layer::ipv6;
    case 0:
      context.advance(control_word);
      return Layer::ethernet;
    case 1:
      return Layer::end;  // associated channel (RFC 5586)
    default:
      return Layer::ethernet;
  }
}

}  // namespace

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
  return behind_labels(context);
}

}  // namespace dpi::layers
