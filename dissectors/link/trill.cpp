// TRILL (RFC 6325 §3) and Cisco FabricPath: a routing header, then a whole Ethernet frame.
#include "dissectors/layers.h"

namespace dpi::layers {

// Version(2) reserved(2) multicast(1) option words(5) hops(6), egress and ingress nickname.
Layer trill(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint16_t head = in.be16();
  in.skip(4);
  in.skip((head >> 6U & 0x1fU) * 4U);
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  if (head >> 14U != 0) return context.refuse(Anomaly::tunnel_header_invalid);
  context.view.encapsulations.push(Encapsulation::trill);
  context.advance(in.position());
  return Layer::ethernet;
}

// Tree and TTL share two bytes.
Layer fabricpath(DecodeContext& context) noexcept {
  if (context.data.size() < 2) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::fabricpath);
  context.advance(2);
  return Layer::ethernet;
}

}  // namespace dpi::layers
