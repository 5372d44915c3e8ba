// Geneve (RFC 8926 §3.4): version(2) option length in words(6), flags, protocol type, VNI, options.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer geneve(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t version_length = in.u8();
  in.skip(1);
  const std::uint16_t type = in.be16();
  const std::uint32_t vni = in.be24();
  in.skip(1);
  in.skip((version_length & 0x3fU) * 4U);
  if (!in.ok() || version_length >> 6U != 0) return Layer::end;
  context.enter_tunnel(Encapsulation::geneve, vni);
  context.advance(in.position());
  return layer_of_ethertype(context, type);
}

}  // namespace dpi::layers
