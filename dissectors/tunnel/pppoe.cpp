// PPPoE session (RFC 2516 §4): version and type 0x11, code 0, session id, length, then PPP.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer pppoe(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t version_type = in.u8();
  const std::uint8_t code = in.u8();
  in.skip(2);  // session id
  const std::uint16_t length = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (version_type != 0x11 || code != 0) return context.refuse(Anomaly::tunnel_header_invalid);
  context.view.encapsulations.push(Encapsulation::pppoe);
  context.advance(in.position());
  if (length != 0) context.limit(length);
  return Layer::ppp;
}

}  // namespace dpi::layers
