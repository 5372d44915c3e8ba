// Any bytes as a frame of any link type: every view lies inside the frame, refusals are named, and
// a frame cut short anywhere is decoded without reading behind its end.
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "dissectors/decode.h"
#include "probe/base/check.h"

namespace {

constexpr std::array<std::uint16_t, 39> links{1,   0,   6,   8,   9,   10,  11,  12,  14,  50,
                                              51,  100, 101, 104, 105, 107, 108, 109, 113, 117,
                                              119, 122, 127, 138, 149, 163, 166, 192, 197, 204,
                                              205, 206, 219, 226, 228, 229, 239, 258, 276};

void inside(dpi::Bytes part, dpi::Bytes whole) {
  if (part.empty()) return;
  const std::less_equal<> not_after;
  DPI_CHECK(not_after(whole.data(), part.data()));
  DPI_CHECK(not_after(part.data() + part.size(), whole.data() + whole.size()));
}

void decode_checked(dpi::Bytes frame, std::uint32_t wire_bytes, std::uint16_t link) {
  dpi::RawPacket packet;
  packet.data = frame;
  packet.wire_bytes = wire_bytes;
  packet.link = static_cast<dpi::LinkType>(link);
  dpi::PacketView view;
  const dpi::DecodeOutcome outcome = dpi::decode(packet, view);
  for (const dpi::Bytes part : {view.l3, view.l4, view.payload, view.outer.l4}) inside(part, frame);
  DPI_CHECK((outcome == dpi::DecodeOutcome::decoded) == (view.ip_version != 0));
  DPI_CHECK(outcome != dpi::DecodeOutcome::malformed || view.anomalies.any());
  DPI_CHECK(view.payload.size() <= view.l4.size() || view.payload.empty());
  DPI_CHECK(view.encapsulations.count <= dpi::encapsulations_max);
  if (outcome != dpi::DecodeOutcome::decoded || view.fragment.present) return;
  dpi::PacketView again = view;
  dpi::decode_datagram(again, view.l4);  // what reassembly does
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint16_t link = links[data[0] % links.size()];
  const dpi::Bytes frame{data + 2, size - 2};
  decode_checked(frame, static_cast<std::uint32_t>(frame.size()), link);
  const std::size_t kept = frame.size() * data[1] / 256;
  const std::vector<std::uint8_t> cut(data + 2, data + 2 + kept);  // its end is watched
  decode_checked(cut, static_cast<std::uint32_t>(frame.size()), link);
  return 0;
}
