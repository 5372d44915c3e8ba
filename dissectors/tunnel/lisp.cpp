// LISP data (RFC 9300 §5.3): N L E V I flags, nonce or map version, instance id and status bits:
// eight bytes, then IP. Control (RFC 9301 §5.8): only the encapsulated message, type 8, carries IP.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer lisp(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t flags = in.u8();
  in.skip(3);
  const std::uint32_t instance = in.be32() >> 8U;
  if (!in.ok()) return Layer::end;
  if ((flags & 0x08U) != 0) {
    context.enter_tunnel(Encapsulation::lisp, instance);
  } else {
    context.enter_tunnel(Encapsulation::lisp);
  }
  context.advance(in.position());
  return layer_of_ip_version(context);
}

Layer lisp_control(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t type = in.u8();
  in.skip(3);
  if (type >> 4U != 8) return Layer::end;  // map requests and the like
  context.enter_tunnel(Encapsulation::lisp);
  context.advance(in.position());
  return layer_of_ip_version(context);
}

}  // namespace dpi::layers
