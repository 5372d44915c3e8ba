// L2TPv3 data messages (RFC 3931 §4.1): session id(4, 0 is control), a cookie of 0, 4 or 8 bytes
// and a sublayer of 0 or 4 whose presence only the session's setup tells. The first place at which
// an Ethernet frame with IP or ARP makes sense is taken; otherwise it stays L2TP.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer l2tpv3(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint32_t session = in.be32();
  if (!in.ok()) return context.refuse(Anomaly::tunnel_header_invalid);
  if (session == 0) return Layer::end;
  constexpr std::size_t cookie_and_sublayer_max = 12;
  for (std::size_t skipped = 0; skipped <= cookie_and_sublayer_max; skipped += 4) {
    if (!is_ethernet(context.claimed(in.position() + skipped))) continue;
    context.enter_tunnel(Encapsulation::l2tpv3, session);
    context.advance(in.position() + skipped);
    return Layer::ethernet;
  }
  return Layer::end;
}

}  // namespace dpi::layers
