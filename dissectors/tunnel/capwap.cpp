// CAPWAP data channel (RFC 5415 §4.3): preamble, then HLEN in words, WBID and the T bit (1: the
// payload is a native 802.11 frame, 0: 802.3). Fragments are not opened, nor
// what DTLS protects (preamble type 1).
#include "dissectors/layers.h"

namespace dpi::layers {

Layer capwap(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint8_t preamble = in.u8();
  const std::uint32_t bits = in.be24();  // HLEN(5) RID(5) WBID(5) T F L W M K flags(3)
  if (!in.ok() || preamble != 0x00) return Layer::end;
  const std::size_t length = (bits >> 19U) * 4U;
  const bool native = (bits & 0x100U) != 0;
  const bool fragment = (bits & 0x80U) != 0;
  const bool keep_alive = (bits & 0x08U) != 0;
  if (length < 8 || length > context.data.size()) {
    return Layer::end;
  }
  if (fragment || keep_alive) return Layer::end;
  context.enter_tunnel(Encapsulation::capwap);
  context.advance(length);
  return native ? Layer::ieee80211 : Layer::ethernet;
}

}  // namespace dpi::layers
