// GTP-U version 1 (3GPP TS 29.281 §5): flags, message type, length, TEID, optional fields and
// extension headers; then, for a G-PDU (type 255), an IP packet or, in a PDU session of type
// Ethernet, a frame (TS 23.501 §5.6.10). What an unstructured session carries nobody can tell.
#include "dissectors/layers.h"

namespace dpi::layers {

Layer gtpu(DecodeContext& context) noexcept {
  constexpr std::uint8_t version_mask = 0xe0, version_1 = 0x20, protocol_type = 0x10,
                         optional_fields = 0x07, has_extension = 0x04;
  ByteCursor in{context.data};
  const std::uint8_t flags = in.u8();
  const std::uint8_t type = in.u8();
  in.skip(2);  // length
  const std::uint32_t teid = in.be32();
  if (!in.ok() || (flags & version_mask) != version_1 || (flags & protocol_type) == 0) {
    return Layer::end;
  }
  if (type != 255) return Layer::end;  // echo, error indication, end marker
  if ((flags & optional_fields) != 0) {
    in.skip(3);  // sequence number, N-PDU number
    std::uint8_t next = in.u8();
    if ((flags & has_extension) == 0) next = 0;
    constexpr int extensions_max = 8;
    for (int i = 0; i < extensions_max && in.ok() && next != 0; ++i) {
      const std::uint8_t words = in.u8();
      if (words == 0) return Layer::end;
      in.skip(words * 4U - 2U);
      next = in.u8();
    }
    if (next != 0) return Layer::end;
  }
  if (!in.ok()) return Layer::end;
  context.enter_tunnel(Encapsulation::gtpu, teid);
  context.advance(in.position());
  if (is_ipv4(context.claimed())) return Layer::ipv4;
  if (is_ipv6(context.claimed())) return Layer::ipv6;
  return is_ethernet(context.claimed()) ? Layer::ethernet : Layer::end;
}

}  // namespace dpi::layers
