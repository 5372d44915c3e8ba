// ICMP (RFC 792) and ICMPv6 (RFC 4443): type and code. Headers that an error quotes are never
// followed.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer icmp(DecodeContext& context) noexcept {
  PacketView& view = context.view;
  ByteCursor in{context.data};
  const std::uint8_t type = in.u8();
  const std::uint8_t code = in.u8();
  if (!in.ok()) return context.refuse(Anomaly::icmp_header_cut);
  view.has_transport = true;
  view.icmp_type = type;
  view.icmp_code = code;
  context.advance(in.position());
  view.payload = context.data;
  return Layer::end;
}

}  // namespace dpi::layers
