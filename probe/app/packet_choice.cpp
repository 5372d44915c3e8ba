#include "probe/app/packet_choice.h"

#include <algorithm>
#include <optional>

#include "probe/envelope/json_tree.h"
#include "probe/export/exported_event.h"

namespace dpi {
namespace {

const Endpoint& endpoint_of(const DirectedKey& key, Side side) noexcept {
  return side == Side::low ? key.key.low : key.key.high;
}

std::string community_id_of(const DirectedKey& key) {
  const Endpoint& src = endpoint_of(key, key.sender);
  const Endpoint& dst = endpoint_of(key, other(key.sender));
  // Of ICMP the source's port is the type (flow_ports()).
  const bool one_way =
      is_one_way_icmp(key.key.protocol, static_cast<std::uint8_t>(src.port & 0xffU));
  return std::string{community_id(src, dst, key.key.protocol, one_way).view()};
}

}  // namespace

void PacketChoice::add_flow(std::string_view community_id, TimeRange range) {
  flows_[std::string{community_id}].push_back(range);
}

bool PacketChoice::add_event(std::string_view event_type, std::string_view payload,
                             Nanoseconds behind) {
  JsonTree row;
  if (!row.read(payload)) return false;
  const auto time = [&](std::string_view name) { return parse_time(text_of(row, 0, name)); };
  const std::string_view id = text_of(row, 0, "community_id");
  const bool flow = event_type == "dpi.flow";
  if (id.empty() || (!flow && event_type != "dpi.dns")) return false;
  const auto begun = time(flow ? "start_at" : "query_at");
  const auto ended = time(flow ? "end_at" : "response_at");
  if (!begun && !ended) return false;
  const Timestamp first = begun ? *begun : *ended;
  const Timestamp last = std::max(first, ended ? *ended : *begun);
  add_flow(id, {ended ? std::min(first, *ended) : first, flow ? last : last + behind});
  return true;
}

bool PacketChoice::chosen(const DirectedKey& key, Timestamp time) const {
  if (!range_.holds(time)) return false;
  if (flows_.empty()) return true;
  const auto flow = flows_.find(community_id_of(key));
  return flow != flows_.end() && std::any_of(flow->second.begin(), flow->second.end(),
                                             [time](const TimeRange& r) { return r.holds(time); });
}

std::optional<Timestamp> parse_time_loosely(std::string_view text) {
  constexpr std::size_t seconds = 19, whole = time_text_bytes - 1;
  if (text.size() < seconds + 1 || text.size() > time_text_bytes || text.back() != 'Z')
    return std::nullopt;
  std::string full{text.substr(0, text.size() - 1)};
  if (full.size() == seconds) full += '.';
  full.append(whole - full.size(), '0');
  return parse_time(full + "Z");
}

// Null: it came in one piece.
FramePicker::Datagram* FramePicker::datagram_of(const PacketView& view, Timestamp time) {
  const bool outer = view.outer.fragment.present;
  if (!outer && !view.fragment.present) return nullptr;
  if (datagrams_.size() >= datagrams_max) datagrams_.clear();
  const Fragment& piece = outer ? view.outer.fragment : view.fragment;
  Datagram& datagram = datagrams_[{outer ? view.outer.src : view.src,
                                   outer ? view.outer.dst : view.dst, piece.protocol, piece.id}];
  if (time - datagram.last_at > datagram_lasts) datagram = {};
  datagram.last_at = time;
  datagram.frames.push_back(view.frame);
  return &datagram;
}

bool FramePicker::packet(std::uint32_t /*lane*/, const LanePacket& packet) {
  if (!packet.counted) return true;
  const PacketView& view = packet.packet.view;
  const bool chosen = choice_.chosen(packet.packet.key, packet.packet.time);
  Datagram* const datagram = datagram_of(view, packet.packet.time);
  if (datagram != nullptr) datagram->chosen = datagram->chosen || chosen;
  if (datagram != nullptr && datagram->chosen) {
    for (const std::uint64_t frame : datagram->frames) pick(frame);
    datagram->frames.clear();
  } else if (chosen) {
    pick(view.frame);
  }
  return true;
}

void FramePicker::pick(std::uint64_t frame) {
  if (frames_.size() <= frame) frames_.resize(frame + 1);
  frames_[frame] = true;
}

}  // namespace dpi
