// LINKTYPE_NFLOG (Linux netfilter): family(1) version(1) resource id(2), then attributes
// length(2) type(2) in the byte order of the capturing host, padded to four bytes; type 9 is the
// packet.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer nflog(DecodeContext& context) noexcept {
  constexpr std::uint8_t inet = 2, inet6 = 10, bridge = 7;
  constexpr std::uint16_t payload = 9;
  constexpr int attributes_max = 64;
  ByteCursor in{context.data};
  const std::uint8_t family = in.u8();
  const std::uint8_t version = in.u8();
  in.skip(2);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (version != 0) return Layer::end;
  for (int i = 0; i < attributes_max && in.left() >= 4; ++i) {
    ByteCursor header{in.rest()};
    std::uint32_t length = header.le16();
    std::uint32_t type = header.le16();
    // No attribute type is above 255, so a big-endian host shows by its high byte.
    if (type > 0xffU) {
      length = length >> 8U | (length & 0xffU) << 8U;
      type >>= 8U;
    }
    if (length < 4) return context.refuse(Anomaly::link_header_cut);
    if (type == payload) {
      context.advance(in.position() + 4);
      context.limit(length - 4);
      if (family == inet || family == inet6) return layer_of_ip_version(context);
      return family == bridge ? Layer::ethernet : Layer::end;
    }
    in.skip((std::size_t{length} + 3) / 4 * 4);
  }
  return in.ok() ? Layer::end : context.refuse(Anomaly::link_header_cut);
}

}  // namespace dpi::layers
