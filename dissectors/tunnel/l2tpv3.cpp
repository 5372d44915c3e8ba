// L2TPv3 data messages (RFC 3931 §4.1): session id(4, 0 is control), a cookie of 0, 4 or 8 bytes
// and a sublayer of 0 or 4 whose presence only the session's setup tells. The first place at which
// an Ethernet frame with IP (or a tag or ARP) makes sense is taken; otherwise it stays L2TP.
#include "dissectors/layers.h"

namespace dpi::layers {
namespace {

bool ethernet_at(Bytes data) noexcept {
  ByteCursor in{data};
  in.skip(12);
  const std::uint16_t type = in.be16();
  const std::uint8_t first = in.u8();
  if (!in.ok()) return false;
  switch (type) {
    case 0x0800:
      return first >> 4U == 4 && (first & 15U) >= 5;
    case 0x86dd:
      return first >> 4U == 6;
    case 0x0806:
    case 0x8100:
    case 0x88a8:
      return true;
    default:
      return false;
  }
}

}  // namespace

Layer l2tpv3(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint32_t session = in.be32();
  if (!in.ok()) return context.refuse(Anomaly::tunnel_header_invalid);
  if (session == 0) return Layer::end;
  for (std::size_t skipped = 0; skipped <= 12 && skipped <= in.left(); skipped += 4) {
    if (!ethernet_at(in.rest().subspan(skipped))) continue;
    context.enter_tunnel(Encapsulation::l2tpv3, session);
    context.advance(in.position() + skipped);
    return Layer::ethernet;
  }
  return Layer::end;
}

}  // namespace dpi::layers
