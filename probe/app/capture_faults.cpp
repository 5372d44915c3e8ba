#include "probe/app/capture_faults.h"

#include <fmt/format.h>

#include <algorithm>

#include "dissectors/decode_context.h"

namespace dpi {

void LinkCensus::count(std::span<const RawPacket> packets) {
  // Nearly always one run of one link type.
  while (!packets.empty()) {
    const LinkType link = packets.front().link;
    const auto other = std::find_if(packets.begin(), packets.end(),
                                    [link](const RawPacket& p) { return p.link != link; });
    const auto run = static_cast<std::size_t>(other - packets.begin());
    const auto type = static_cast<std::uint16_t>(link);
    if (layer_of_link_type(type) == Layer::end) {
      count_unknown(type, run);
    } else {
      known_ += run;
    }
    packets = packets.subspan(run);
  }
}

void LinkCensus::count_unknown(std::uint32_t link_type, std::uint64_t packets) {
  const auto same = std::find_if(unknown_.begin(), unknown_.end(), [link_type](const Unknown& u) {
    return u.link_type == link_type;
  });
  if (same != unknown_.end()) {
    same->packets += packets;
  } else if (unknown_.size() < unknown_max) {
    unknown_.push_back({link_type, packets});
  }
}

void CaptureFaults::count_in(Front& front) const noexcept {
  if (cut) front.count(Anomaly::capture_cut);
  if (damaged) front.count(Anomaly::capture_damaged);
}

std::vector<std::string> CaptureFaults::sentences() const {
  std::vector<std::string> out;
  for (const LinkCensus::Unknown& unknown : links.unknown()) {
    out.push_back(fmt::format(
        "{}: {} packets are of link type {}, which is not decoded; they count as malformed "
        "(numbers: tcpdump.org/linktypes.html)",
        name, unknown.packets, unknown.link_type));
  }
  if (grew) {
    out.push_back(name +
                  ": it has grown since the replay began; what was added since was not read: "
                  "replay it again when it is complete");
  }
  return out;
}

}  // namespace dpi
