// MACsec (IEEE 802.1AE §9.3): V ES SC SCB E C AN(2), short length(1), packet number(4), SCI(8) if
// SC. With E = 0 the frame is only authenticated: the EtherType behind it can be read, and a
// 16-byte check value ends the frame.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer macsec(DecodeContext& context) noexcept {
  constexpr std::uint32_t check_bytes = 16;
  ByteCursor in{context.data};
  const std::uint8_t control = in.u8();
  in.skip(5);
  if ((control & 0x20U) != 0) in.skip(8);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::macsec);
  context.advance(in.position());
  if ((control & 0x0cU) != 0 || context.wire_left < check_bytes) return Layer::end;
  context.limit(context.wire_left - check_bytes);
  return Layer::ethertype;
}

}  // namespace dpi::layers
