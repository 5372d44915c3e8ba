// PIM Register (RFC 7761 §4.9.3) carries a whole multicast packet to the rendezvous point:
// version(4) type(4, 1) reserved(1) checksum(2), flags(4), then IP. Also Ethernet directly in IP
// (RFC 8986 §4.9).
#include "dissectors/layers.h"

namespace dpi::layers {

Layer pim(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t version_type = in.u8();
  in.skip(7);
  const Bytes rest = in.rest();
  if (!in.ok() || version_type != 0x21 || rest.empty()) return Layer::end;
  if (rest[0] >> 4U != 4 && rest[0] >> 4U != 6) return Layer::end;  // a null register
  context.enter_tunnel(Encapsulation::pim_register);
  context.advance(in.position());
  return layer_of_ip_version(context);
}

Layer ethernet_in_ip(DecodeContext& context) noexcept {
  context.enter_tunnel(Encapsulation::ethernet_in_ip);
  return Layer::ethernet;
}

}  // namespace dpi::layers
