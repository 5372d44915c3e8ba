// PPP (RFC 1661), PPP and Cisco framing over HDLC (RFC 1662), frame relay (RFC 2427).
#include "dissectors/layers.h"

namespace dpi::layers {

namespace {

// RFC 1990 §3: begin(1) end(1), then a sequence number of 24 bits in four bytes or, when so agreed,
// of 12 in two. A fragment that begins and ends a packet is a whole frame; which of both it is the
// frame tells.
Layer multilink(DecodeContext& context) noexcept {
  constexpr std::uint8_t whole = 0xc0;
  constexpr std::size_t long_header = 4, short_header = 2;
  context.verified();
  if (context.data.empty() || (context.data[0] & whole) != whole) return Layer::end;
  for (const std::size_t header : {long_header, short_header}) {
    if (!is_ppp(context.claimed(header))) continue;
    context.advance(header);
    return Layer::ppp;
  }
  return Layer::end;
}

}  // namespace

Layer ppp(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  if (context.data.size() >= 2 && context.data[0] == 0xff && context.data[1] == 0x03) in.skip(2);
  std::uint16_t protocol = in.u8();
  // RFC 1661 §6.5: a compressed protocol field is one odd byte.
  if ((protocol & 1U) == 0) protocol = static_cast<std::uint16_t>(protocol << 8U | in.u8());
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  switch (protocol) {
    case 0x0021:
      return Layer::ipv4;
    case 0x0057:
      return Layer::ipv6;
    case 0x0031: {  // RFC 3518 §4.1: flags, MAC type 1 is Ethernet
      ByteCursor bridge{context.data};
      const std::uint8_t flags = bridge.u8();
      const std::uint8_t mac_type = bridge.u8();
      if (!bridge.ok()) return context.refuse(Anomaly::link_header_cut);
      context.advance((flags & 0x40U) != 0 ? 6 : 2);  // LAN id
      return mac_type == 1 ? Layer::ethernet : Layer::end;
    }
    case 0x003d:
      return multilink(context);
    case 0x0281:
    case 0x0283:
      return Layer::mpls;
    default:
      if (is_known_ppp_protocol(protocol)) context.verified();
      return Layer::end;  // LCP, IPCP, CCP, compressed or encrypted
  }
}

// One byte of direction stands before, or in PPP_PPPD's case instead of, the first byte.
Layer directed_ppp(DecodeContext& context) noexcept {
  context.advance(1);
  if (!context.data.empty() && context.data[0] == 0x03) context.advance(1);
  return Layer::ppp_hdlc;
}
Layer directed_hdlc(DecodeContext& context) noexcept {
  context.advance(1);
  return Layer::ppp_hdlc;
}
Layer directed_frame_relay(DecodeContext& context) noexcept {
  context.advance(1);
  return Layer::frame_relay;
}

// RFC 1662: address ff, control 03, PPP. Cisco: address 0f or 8f, control 00, EtherType.
Layer ppp_hdlc(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t address = in.u8();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (address != 0x0f && address != 0x8f) return Layer::ppp;
  in.skip(1);
  const std::uint16_t type = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  return layer_of_ethertype(context, type);
}

// Q.922 address of two to four bytes (the last has its low bit set), then either RFC 2427 (control
// 03, NLPID) or Cisco's EtherType.
Layer frame_relay(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  std::uint8_t address = in.u8();
  for (int i = 0; i < 3 && in.ok() && (address & 1U) == 0; ++i) address = in.u8();
  const std::uint8_t control = in.u8();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (control != 0x03) {
    const std::uint16_t type = static_cast<std::uint16_t>(control << 8U | in.u8());
    if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
    context.advance(in.position());
    return layer_of_ethertype(context, type);
  }
  std::uint8_t nlpid = in.u8();
  if (nlpid == 0x00) nlpid = in.u8();  // a pad byte aligns what follows
  if (nlpid == 0x80) {                 // SNAP
    in.skip(3);
    const std::uint16_t type = in.be16();
    if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
    context.advance(in.position());
    return layer_of_ethertype(context, type);
  }
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  switch (nlpid) {
    case 0xcc:
      return Layer::ipv4;
    case 0x8e:
      return Layer::ipv6;
    case 0xcf:
      return Layer::ppp;
    default:
      return Layer::end;
  }
}

}  // namespace dpi::layers
