// L2TPv2 data messages (RFC 2661 §3.1) carry PPP.
//
// |T|L|x|x|S|x|O|P|x|x|x|x|  Ver  |          Length (opt)         |
#include "dissectors/layers.h"

namespace dpi::layers {

Layer l2tp(DecodeContext& context) noexcept {
  constexpr std::uint16_t control = 0x8000, has_length = 0x4000, has_sequence = 0x0800,
                          has_offset = 0x0200;
  ByteCursor in{context.data};
  const std::uint16_t flags = in.be16();
  if (in.ok() && (flags & 0x000fU) == 3) {  // RFC 3931 §4.1.2.1: version 3 over UDP
    if ((flags & control) != 0) return Layer::end;
    context.advance(4);
    return Layer::l2tpv3;
  }
  if (!in.ok() || (flags & 0x000fU) != 2) return Layer::end;
  if ((flags & control) != 0) return Layer::end;
  if ((flags & has_length) != 0) in.skip(2);
  in.skip(2);  // tunnel id
  const std::uint16_t session = in.be16();
  if ((flags & has_sequence) != 0) in.skip(4);
  if ((flags & has_offset) != 0) in.skip(in.be16());
  if (!in.ok()) return Layer::end;
  context.enter_tunnel(Encapsulation::l2tp, session);
  context.advance(in.position());
  return Layer::ppp;
}

}  // namespace dpi::layers
