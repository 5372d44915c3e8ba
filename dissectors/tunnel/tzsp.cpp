// TaZmen sniffer protocol: version 1, type, encapsulated protocol, then tagged fields up to the end
// tag (1).
#include "dissectors/layers.h"

namespace dpi::layers {

Layer tzsp(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t version = in.u8();
  const std::uint8_t type = in.u8();
  const std::uint16_t protocol = in.be16();
  if (!in.ok() || version != 1 || type > 1) return Layer::end;
  constexpr int tags_max = 64;
  bool ended = false;
  for (int i = 0; i < tags_max && in.ok() && !ended; ++i) {
    const std::uint8_t tag = in.u8();
    ended = tag == 1;
    if (tag > 1) in.skip(in.u8());  // 0 is padding
  }
  if (!in.ok() || !ended) return Layer::end;
  context.enter_tunnel(Encapsulation::tzsp);
  context.advance(in.position());
  switch (protocol) {
    case 1:
      return Layer::ethernet;
    case 18:
      return Layer::ieee80211;
    case 119:
      return Layer::prism;
    case 127:
      return Layer::avs;
    default:
      return Layer::end;
  }
}

}  // namespace dpi::layers
