// Headers that capture tools of one system put before a packet: they say what link type or address
// family follows (tcpdump.org/linktypes.html).
#include "dissectors/layers.h"

namespace dpi::layers {

// LINKTYPE_PKTAP: header length(4) record type(4) link type(4) …, little-endian.
Layer pktap(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint32_t length = in.le32();
  const std::uint32_t record = in.le32();
  const std::uint32_t link = in.le32();
  if (!in.ok() || length < 12 || length > context.data.size()) {
    return context.refuse(Anomaly::link_header_cut);
  }
  context.advance(length);
  return record == 1 ? layer_of_link_type(link) : Layer::end;
}

// LINKTYPE_PPI: version(1) flags(1) length(2) link type(4), little-endian; then fields.
Layer ppi(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(2);
  const std::uint16_t length = in.le16();
  const std::uint32_t link = in.le32();
  if (!in.ok() || length < 8 || length > context.data.size()) {
    return context.refuse(Anomaly::link_header_cut);
  }
  context.advance(length);
  return layer_of_link_type(link);
}

// LINKTYPE_IPNET (Solaris): version, family, hook, length, interface, group, two zones: 24 bytes.
Layer ipnet(DecodeContext& context) noexcept {
  if (context.data.size() < 24) return context.refuse(Anomaly::link_header_cut);
  context.advance(24);
  return layer_of_ip_version(context);
}

// LINKTYPE_PFLOG: length(1) without the padding to four bytes, address family(1), …
Layer pflog(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::size_t length = (std::size_t{in.u8()} + 3) / 4 * 4;
  if (!in.ok() || length < 4 || length > context.data.size()) {
    return context.refuse(Anomaly::link_header_cut);
  }
  context.advance(length);
  return layer_of_ip_version(context);
}

// LINKTYPE_ENC (BSD IPsec): address family(4) SPI(4) flags(4), then the decrypted IP packet.
Layer enc(DecodeContext& context) noexcept {
  if (context.data.size() < 12) return context.refuse(Anomaly::link_header_cut);
  context.advance(12);
  return layer_of_ip_version(context);
}

// LINKTYPE_SLIP: direction(1), compression state(15), then IP.
Layer slip(DecodeContext& context) noexcept {
  if (context.data.size() < 16) return context.refuse(Anomaly::link_header_cut);
  context.advance(16);
  return layer_of_ip_version(context);
}

}  // namespace dpi::layers
