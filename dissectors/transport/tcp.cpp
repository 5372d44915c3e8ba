// TCP (RFC 9293 §3.1).
#include "dissectors/layers.h"

namespace dpi::layers {

Layer tcp(DecodeContext& context) noexcept {
  PacketView& view = context.view;
  ByteCursor in{context.data};
  const std::uint16_t src = in.be16();
  const std::uint16_t dst = in.be16();
  const TcpHeader fixed{.sequence = in.be32(), .acknowledgement = in.be32()};
  const std::uint16_t offset_flags = in.be16();
  const std::uint16_t window = in.be16();
  in.skip(4);  // checksum, urgent pointer
  if (!in.ok()) {
    // The ports are worth having even when the rest is cut off.
    if (context.data.size() >= 4) {
      view.src_port = src;
      view.dst_port = dst;
    }
    return context.refuse(Anomaly::transport_header_cut);
  }
  view.has_transport = true;
  view.src_port = src;
  view.dst_port = dst;
  view.tcp = fixed;
  view.tcp.flags = static_cast<std::uint8_t>(offset_flags & 0xffU);
  view.tcp.window = window;
  const std::uint32_t header = (offset_flags >> 12U) * 4U;
  if (header < 20) return context.refuse(Anomaly::tcp_header_length_invalid);
  const std::uint8_t control = view.tcp.flags & 0x3fU;
  const bool syn = (control & tcp_flag::syn) != 0;
  if (control == 0 || (syn && (control & (tcp_flag::fin | tcp_flag::rst)) != 0)) {
    add(view.anomalies, Anomaly::tcp_flags_invalid);
  }
  if (header > view.l4_bytes) return context.refuse(Anomaly::tcp_header_length_invalid);
  context.advance(header);
  view.payload = context.data;
  view.payload_bytes = view.l4_bytes - header;
  return Layer::end;
}

}  // namespace dpi::layers
