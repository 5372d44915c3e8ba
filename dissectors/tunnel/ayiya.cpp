// AYIYA (draft-massar-v6ops-ayiya §3): identity length as a power of two(4) and type(4), signature
// words(4) and hash(4), authentication(4) and operation(4), next header(1), time(4).
#include "dissectors/layers.h"

namespace dpi::layers {

Layer ayiya(DecodeContext& context) noexcept {
  constexpr std::uint8_t forward = 1;
  ByteCursor in{context.data};
  const std::uint8_t identity = in.u8();
  const std::uint8_t signature = in.u8();
  const std::uint8_t operation = in.u8() & 0x0fU;
  const std::uint8_t next = in.u8();
  in.skip(4);
  in.skip((std::size_t{1} << (identity >> 4U)) + (signature >> 4U) * 4U);
  const bool ip = next == ip_protocol::ipv6 || next == ip_protocol::ipip;
  if (!in.ok()) return Layer::end;
  if (operation != forward || !ip) return Layer::end;
  context.enter_tunnel(Encapsulation::ayiya);
  context.advance(in.position());
  return next == ip_protocol::ipv6 ? Layer::ipv6 : Layer::ipv4;
}

}  // namespace dpi::layers
