// Teredo (RFC 4380 §5.1.1): optional authentication (0x0001) and origin (0x0000) indications, then
// IPv6.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer teredo(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  std::size_t before_ipv6 = 0;
  for (int i = 0; i < 2; ++i) {
    ByteCursor indicator{in.rest()};
    const std::uint16_t type = indicator.be16();
    if (!indicator.ok()) return Layer::end;
    if (type == 0x0001) {
      const std::uint8_t id_length = indicator.u8();
      const std::uint8_t auth_length = indicator.u8();
      indicator.skip(std::size_t{id_length} + auth_length + 9);  // identifiers, nonce, confirmation
    } else if (type == 0x0000) {
      indicator.skip(6);  // obscured port and address
    } else {
      break;
    }
    if (!indicator.ok()) return Layer::end;
    in.skip(indicator.position());
    before_ipv6 = in.position();
  }
  context.enter_tunnel(Encapsulation::teredo);
  context.advance(before_ipv6);
  return Layer::ipv6;
}

}  // namespace dpi::layers
