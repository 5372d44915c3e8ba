// LWAPP (RFC 5412 §3.1): version(2) radio(3) control(1) fragment(1) last(1), fragment id(1),
// length(2), status(2); a data message is an 802.11 frame.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer lwapp(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t flags = in.u8();
  in.skip(5);
  if (!in.ok() || flags >> 6U != 0) return Layer::end;
  if ((flags & 0x06U) != 0) return Layer::end;  // control, fragment
  context.enter_tunnel(Encapsulation::lwapp);
  context.advance(in.position());
  return Layer::ieee80211;
}

}  // namespace dpi::layers
