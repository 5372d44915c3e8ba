// Linux "any" captures (SLL, SLL2) and BSD loopback.
#include "dissectors/layers.h"

namespace dpi::layers {
namespace {

constexpr unsigned packet_to_all = 1;  // PACKET_BROADCAST of if_packet.h

// The hardware type says when the protocol field does not count (ARPHRD_ of if_arp.h). Protocol
// values below 0x0600 are Linux' own numbers; 4 is 802.2 LLC.
Layer cooked_payload(DecodeContext& context, std::uint16_t hardware,
                     std::uint16_t protocol) noexcept {
  switch (hardware) {
    case 770:  // FRAD
      return Layer::frame_relay;
    case 801:
      return Layer::ieee80211;
    case 802:
      return Layer::prism;
    case 803:
      return Layer::radiotap;
    default:
      break;
  }
  if (protocol == 0x0004) return Layer::llc;
  return layer_of_ethertype(context, protocol);
}

}  // namespace

// LINKTYPE_LINUX_SLL: packet type(2) ARPHRD(2) address length(2) address(8) protocol(2).
Layer linux_sll(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t type = in.be16();
  const std::uint16_t hardware = in.be16();
  in.skip(10);
  const std::uint16_t protocol = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.link_broadcast = type == packet_to_all;
  context.advance(in.position());
  return cooked_payload(context, hardware, protocol);
}

// LINKTYPE_LINUX_SLL2: protocol(2) reserved(2) interface(4) ARPHRD(2) type(1) length(1) address(8).
Layer linux_sll2(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t protocol = in.be16();
  in.skip(6);
  const std::uint16_t hardware = in.be16();
  const std::uint8_t type = in.u8();
  in.skip(9);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.link_broadcast = type == packet_to_all;
  context.advance(in.position());
  return cooked_payload(context, hardware, protocol);
}

// LINKTYPE_NULL and LOOP: a four-byte address family of the capturing host, in its byte order;
// AF_INET6 is 10, 24, 28 or 30 depending on the system. The version nibble behind it is surer than
// the family.
Layer null_loopback(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint32_t family = in.be32();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (family >> 16U == 0xff03U) return Layer::ppp;  // PPP or Cisco's framing under this link type
  if ((family >> 16U == 0x0f00U || family >> 16U == 0x8f00U) && (family & 0xffffU) >= 0x0600U) {
    return Layer::ppp_hdlc;
  }
  const std::uint32_t value = family > 0xffffU ? __builtin_bswap32(family) : family;
  context.advance(in.position());
  if (value >= 0x0600U) return layer_of_ethertype(context, static_cast<std::uint16_t>(value));
  switch (value) {
    case 2:
    case 10:
    case 24:
    case 28:
    case 30:
      return layer_of_ip_version(context);
    default:
      return Layer::end;
  }
}

}  // namespace dpi::layers
