// VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe §3): flags R R Ver(2) I P B O, reserved(2), next
// protocol(1), VNI(3), reserved(1).
#include "dissectors/layers.h"

namespace dpi::layers {

Layer vxlan_gpe(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t flags = in.u8();
  in.skip(2);
  const std::uint8_t next = in.u8();
  const std::uint32_t vni = in.be24();
  in.skip(1);
  if (!in.ok() || (flags & 0x0cU) == 0 || (flags & 0x30U) != 0) {
    return Layer::end;
  }
  context.enter_tunnel(Encapsulation::vxlan_gpe, vni);
  context.advance(in.position());
  if ((flags & 0x04U) == 0) return Layer::ethernet;  // no next protocol: plain VXLAN
  switch (next) {
    case 1:
      return Layer::ipv4;
    case 2:
      return Layer::ipv6;
    case 3:
      return Layer::ethernet;
    case 4:
      return Layer::nsh;
    case 5:
      return Layer::mpls;
    default:
      return Layer::end;
  }
}

}  // namespace dpi::layers
