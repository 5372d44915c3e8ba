// Linux "any" captures (SLL, SLL2) and BSD loopback.
#include "dissectors/layers.h"

namespace dpi::layers {
namespace {

// Protocol values below 0x0600 are Linux' own numbers; 4 is 802.2 LLC.
Layer cooked_payload(DecodeContext& context, std::uint16_t protocol) noexcept {
  if (protocol == 0x0004) return Layer::llc;
  return layer_of_ethertype(context, protocol);
}

}  // namespace

// LINKTYPE_LINUX_SLL: packet type(2) ARPHRD(2) address length(2) address(8) protocol(2).
Layer linux_sll(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(14);
  const std::uint16_t protocol = in.be16();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  return cooked_payload(context, protocol);
}

// LINKTYPE_LINUX_SLL2: protocol(2) reserved(2) interface(4) ARPHRD(2) type(1) length(1) address(8).
Layer linux_sll2(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t protocol = in.be16();
  in.skip(18);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.advance(in.position());
  return cooked_payload(context, protocol);
}

// LINKTYPE_NULL and LOOP: a four-byte address family of the capturing host, in its byte order;
// AF_INET6 is 10, 24, 28 or 30 depending on the system. The version nibble behind it is surer than
// the family.
Layer null_loopback(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint32_t family = in.be32();
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  const std::uint32_t value = family > 0xffffU ? __builtin_bswap32(family) : family;
  context.advance(in.position());
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
