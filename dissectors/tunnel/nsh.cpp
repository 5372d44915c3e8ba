// Network service header (RFC 8300 §2): version, length in words, next protocol; then the path
// header.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer nsh(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t base = in.be16();
  in.skip(1);  // MD type
  const std::uint8_t next = in.u8();
  const std::size_t length = (base & 0x3fU) * 4U;
  if (!in.ok() || length < 8 || length > context.data.size()) {
    return context.refuse(Anomaly::tunnel_header_invalid);
  }
  context.view.encapsulations.push(Encapsulation::nsh);
  context.advance(length);
  switch (next) {
    case 1:
      return Layer::ipv4;
    case 2:
      return Layer::ipv6;
    case 3:
      return Layer::ethernet;
    case 4:
      return Layer::nsh;
    case 5:
      return Layer::mpls;
    default:
      return Layer::end;
  }
}

}  // namespace dpi::layers
