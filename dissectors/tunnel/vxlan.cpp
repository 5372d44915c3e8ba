// VXLAN (RFC 7348 §5): flags with the I bit, 24-bit VNI, then Ethernet.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer vxlan(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t flags = in.u8();
  in.skip(3);
  const std::uint32_t vni = in.be24();
  in.skip(1);
  if (!in.ok() || (flags & 0x08U) == 0) return Layer::end;
  context.enter_tunnel(Encapsulation::vxlan, vni);
  context.advance(in.position());
  return Layer::ethernet;
}

}  // namespace dpi::layers
