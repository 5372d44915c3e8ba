// Other local networks under LLC: FDDI, token ring, IP over Fibre Channel; and IP over FireWire.
#include "dissectors/layers.h"

namespace dpi::layers {

// Frame control(1) destination(6) source(6); only LLC frames (01010xxx) carry packets.
Layer fddi(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t control = in.u8();
  in.skip(12);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  return (control & 0xf8U) == 0x50 ? Layer::llc : Layer::end;
}

// Access control(1) frame control(1) destination(6) source(6); the top bit of the source announces
// routing information, whose length is in its own five low bits (IEEE 802.5 §3.3).
Layer token_ring(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(1);
  const std::uint8_t control = in.u8();
  in.skip(6);
  const Bytes source = in.take(6);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if ((source[0] & 0x80U) != 0) {
    ByteCursor routing{in.rest()};
    const std::size_t length = routing.u8() & 0x1fU;
    in.skip(length);
    if (length < 2 || !in.ok()) return context.refuse(Anomaly::link_header_cut);
  }
  context.advance(in.position());
  return (control & 0xc0U) == 0x40 ? Layer::llc : Layer::end;
}

// RFC 2625 §3.2: two network addresses of eight bytes, then LLC.
Layer fibre_channel(DecodeContext& context) noexcept {
  if (context.data.size() < 16) return context.refuse(Anomaly::link_header_cut);
  context.advance(16);
  return Layer::llc;
}

// LINKTYPE_APPLE_IP_OVER_IEEE1394: two addresses of eight bytes, then an EtherType.
Layer firewire(DecodeContext& context) noexcept {
  if (context.data.size() < 18) return context.refuse(Anomaly::link_header_cut);
  context.advance(16);
  return Layer::ethertype;
}

}  // namespace dpi::layers
