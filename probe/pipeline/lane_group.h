// The lanes of one worker and the classifier that they share.
#pragma once

#include <memory>
#include <vector>

#include "probe/pipeline/lane.h"

namespace dpi {

class LaneGroup {
 public:
  // Limits are of all lanes together. Worker `worker` of `workers` runs every lane whose number
  // leaves it as the remainder.
  LaneGroup(const LaneLimits& limits, HashSeed seed, std::unique_ptr<Classifier> classifier,
            FactObserver& observer, std::uint32_t worker = 0, std::uint32_t workers = 1);

  void packet(std::uint32_t lane, const LanePacket& packet) {
    lanes_[lane / workers_]->packet(packet);
  }
  // A packet of the probe's own check (canary.h), in a lane that nothing counts; after the last one
  // what has come of it is told.
  void canary(const LanePacket& packet, bool last);
  // Packet time has entered a new second: what is due ends, in the order of first packets.
  void tick(FactNumber number, Timestamp now);
  // The clock has stepped for the n-th time: once for all fronts that tell it.
  void clock_stepped(std::uint64_t nth, Nanoseconds delta);
  // The end of a capture: everything ends, and time may begin anew.
  void finish(FactNumber number, EndReason reason);

  [[nodiscard]] LaneStats stats() const noexcept;

 private:
  template <class Id>
  struct Due {
    std::uint64_t number;
    Id id;
    Lane* lane;
  };
  template <class Collect>
  void collect(Collect collect);
  void end_collected(FactNumber number);

  std::unique_ptr<Classifier> classifier_;
  std::uint32_t workers_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Lane> canary_lane_;
  std::uint64_t clock_steps_ = 0;
  std::vector<Due<DueFlow>> flows_;
  std::vector<Due<DnsTracker::Due>> dns_;
  std::vector<DueFlow> lane_flows_;
  std::vector<DnsTracker::Due> lane_dns_;
};

}  // namespace dpi
