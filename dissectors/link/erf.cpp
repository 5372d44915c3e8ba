// LINKTYPE_ERF (Endace): time(8) type(1) flags(1) record length(2) loss(2) wire length(2), then
// extension headers of eight bytes while the top bit of the type before says so.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer erf(DecodeContext& context) noexcept {
  constexpr int extensions_max = 16;
  ByteCursor in{context.data};
  in.skip(8);
  const std::uint8_t type = in.u8();
  in.skip(7);
  bool more = (type & 0x80U) != 0;
  for (int i = 0; i < extensions_max && more && in.ok(); ++i) {
    more = (in.u8() & 0x80U) != 0;
    in.skip(7);
  }
  if (!in.ok() || more) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  switch (type & 0x7fU) {
    case 1:   // HDLC_POS
    case 10:  // COLOR_HDLC_POS
    case 15:  // DSM_COLOR_HDLC_POS
    case 17:  // COLOR_MC_HDLC_POS
      return Layer::ppp_hdlc;
    case 2:   // ETH
    case 11:  // COLOR_ETH
    case 16:  // DSM_COLOR_ETH
    case 20:  // COLOR_HASH_ETH
      if (context.data.size() < 2) return context.refuse(Anomaly::link_header_cut);
      context.advance(2);  // offset and pad
      return Layer::ethernet;
    case 22:  // IPV4
    case 23:  // IPV6
      return Layer::raw_ip;
    default:
      return Layer::end;
  }
}

}  // namespace dpi::layers
