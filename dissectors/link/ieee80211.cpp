// IEEE 802.11 data frames and the capture headers in front of them (radiotap, Prism, AVS).
#include <utility>

#include "dissectors/layers.h"

namespace dpi::layers {

// radiotap.org: version(1) pad(1) length(2, little-endian).
Layer radiotap(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(2);
  const std::uint16_t length = in.le16();
  if (!in.ok() || length < 8 || length > context.data.size()) {
    return context.refuse(Anomaly::link_header_cut);
  }
  context.advance(length);
  return Layer::ieee80211;
}

// Prism monitor header: message code(4) length(4), both in the host order of the capturing machine.
Layer prism(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  const std::uint32_t code = in.be32();
  if (code >> 16U == 0x8021U) return Layer::avs;  // AVS frames under the Prism link type
  const std::uint32_t length = code == 0x44000000U ? in.le32() : in.be32();
  if (!in.ok() || length < 8 || length > context.data.size()) {
    return context.refuse(Anomaly::link_header_cut);
  }
  context.advance(length);
  return Layer::ieee80211;
}

// AVS: version(4, 0x80211001) length(4), big-endian.
Layer avs(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  in.skip(4);
  const std::uint32_t length = in.be32();
  if (!in.ok() || length < 8 || length > context.data.size()) {
    return context.refuse(Anomaly::link_header_cut);
  }
  context.advance(length);
  return Layer::ieee80211;
}

// Frame control(2) duration(2) address1(6) address2(6) address3(6) sequence(2) [address4(6)]
// [QoS(2)] [HT control(4)], then LLC/SNAP. Only unencrypted data frames carry IP that can be read.
Layer ieee80211(DecodeContext& context) noexcept {
  ByteCursor in{context.data};
  std::uint8_t control = in.u8();
  std::uint8_t flags = in.u8();
  in.skip(22);
  if (!in.ok()) return Layer::end;  // control frames (ACK, RTS) are this short
  // The protocol version (low two bits) is 0: some access points send the two bytes over CAPWAP
  // and LWAPP the other way round.
  if ((control & 3U) != 0 && (flags & 3U) == 0) std::swap(control, flags);
  const std::uint32_t type = control >> 2U & 3U;
  const std::uint32_t subtype = control >> 4U;
  constexpr std::uint32_t no_data = 4;  // bit of the subtype: a null frame
  if (type != 2 || (subtype & no_data) != 0 || (flags & 0x40U) != 0) return Layer::end;
  if ((flags & 3U) == 3U) in.skip(6);  // to and from the distribution system: address 4
  std::uint16_t qos = 0;
  if ((subtype & 8U) != 0) {
    qos = in.le16();
    if ((flags & 0x80U) != 0) in.skip(4);  // HT control
  }
  if (!in.ok()) return context.refuse(Anomaly::link_header_cut);
  context.view.encapsulations.push(Encapsulation::ieee80211);
  context.advance(in.position());
  if ((qos & 0x80U) !=
      0) {  // A-MSDU: destination, source, length before each; the first one counts
    ByteCursor subframe{context.data};
    subframe.skip(12);
    const std::uint16_t length = subframe.be16();
    if (!subframe.ok()) return context.refuse(Anomaly::link_header_cut);
    context.advance(subframe.position());
    context.limit(length);
  }
  return Layer::llc;
}

}  // namespace dpi::layers
