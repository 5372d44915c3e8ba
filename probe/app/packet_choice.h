// Which packets `packets` takes out of captures: those of chosen flows, found with the decoder, the
// fragment table and the flow keys that made the rows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "probe/base/result.h"
#include "probe/pipeline/front.h"

namespace dpi {

struct TimeRange {
  Timestamp from = Timestamp::min();
  Timestamp to = Timestamp::max();  // included

  [[nodiscard]] bool holds(Timestamp time) const noexcept { return from <= time && time <= to; }
};

class PacketChoice {
 public:
  explicit PacketChoice(TimeRange range) : range_(range) {}

  // Without any flow all packets are chosen.
  void add_flow(std::string_view community_id, TimeRange range = {});
  // A dpi.flow or dpi.dns event: the packets of its flow in its time, and `behind` it where an
  // exchange may have gone on. False: it is about no flow.
  [[nodiscard]] bool add_event(std::string_view event_type, std::string_view payload,
                               Nanoseconds behind);

  [[nodiscard]] bool chosen(const DirectedKey& key, Timestamp time) const;
  // Packets that are of no flow are chosen by time alone.
  [[nodiscard]] bool chosen_without_flow(Timestamp time) const {
    return flows_.empty() && range_.holds(time);
  }

 private:
  TimeRange range_;
  std::map<std::string, std::vector<TimeRange>, std::less<>> flows_;  // by Community ID
};

// "2026-11-30T10:00:00Z", with or without a fraction; nothing for anything else.
[[nodiscard]] std::optional<Timestamp> parse_time_loosely(std::string_view text);

// Notes the frames of one capture that are chosen: of a datagram that came in pieces all or none,
// for only together they say of which flow they are and what it carried.
class FramePicker final : public LaneDispatcher {
 public:
  explicit FramePicker(const PacketChoice& choice) : choice_(choice) {}

  bool packet(std::uint32_t lane, const LanePacket& packet) override;
  void tick(FactNumber, Timestamp, const FrontStats&) override {}
  bool canary(std::uint64_t, const LanePacket&, bool) override { return true; }
  void clock_stepped(FactNumber, std::uint64_t, Nanoseconds) override {}
  void finish(FactNumber, EndReason, const FrontStats&) override {}

  void pick(std::uint64_t frame);
  // Of the capture whose packets came since the last call; by frame, from 1.
  [[nodiscard]] std::vector<bool> take() {
    datagrams_.clear();
    return std::exchange(frames_, {});
  }

 private:
  // RFC 791 §2.3: what the pieces of a datagram have in common.
  using DatagramKey = std::tuple<IpAddress, IpAddress, std::uint8_t, std::uint32_t>;
  struct Datagram {
    std::vector<std::uint64_t> frames;  // of pieces that were seen
    Timestamp last_at{};
    bool chosen = false;
  };
  // Pieces that come later belong to another datagram, whose sender counts anew.
  static constexpr Nanoseconds datagram_lasts = std::chrono::seconds{30};
  static constexpr std::size_t datagrams_max = 65'536;

  [[nodiscard]] Datagram* datagram_of(const PacketView& view, Timestamp time);

  const PacketChoice& choice_;
  std::vector<bool> frames_;
  std::map<DatagramKey, Datagram> datagrams_;
};

}  // namespace dpi
