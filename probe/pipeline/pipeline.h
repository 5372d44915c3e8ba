// The whole data path on one thread: a front and every lane.
#pragma once

#include <memory>

#include "probe/pipeline/front.h"
#include "probe/pipeline/lane_group.h"

namespace dpi {

struct PipelineLimits {
  FrontLimits front;
  LaneLimits lanes;
};

// What went with workers that died: packets of flows that had not been told yet, the one that did
// it among them. Cumulative.
struct WorkerLosses {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // of their IP packets
  std::uint64_t restarts = 0;

  WorkerLosses& operator+=(const WorkerLosses& other) noexcept {
    packets += other.packets;
    bytes += other.bytes;
    restarts += other.restarts;
    return *this;
  }
};

struct PipelineStats {
  FrontStats front;
  LaneStats lanes;
  WorkerLosses lost{};
};

// Told about facts in their order, and about time.
class PipelineObserver : public FactObserver {
 public:
  // Packet time has reached a new second, and everything due by then has been told.
  virtual void tick(FactNumber number, Timestamp now, const PipelineStats& stats) = 0;
  // A capture has ended, and everything in it has been told.
  virtual void capture_ended(FactNumber number, const PipelineStats& stats) = 0;
};

class Pipeline final : private LaneDispatcher {
 public:
  Pipeline(const PipelineLimits& limits, HashSeed seed, std::unique_ptr<Classifier> classifier,
           PipelineObserver& observer, HashSeed lane_seed = {})
      : observer_(observer),
        lanes_(limits.lanes, seed, std::move(classifier), observer),
        front_(limits.front, {seed, lane_seed}, *this) {}

  void process(const RawPacket& packet) { front_.process(packet); }
  void count_filtered(const RawPacket& packet) noexcept { front_.count_filtered(packet); }
  // The end of a capture: everything ends, and time may begin anew.
  void finish(EndReason reason) { front_.finish(reason); }

  [[nodiscard]] Front& front() noexcept { return front_; }
  [[nodiscard]] PipelineStats stats() const noexcept { return {front_.stats(), lanes_.stats()}; }

 private:
  bool packet(std::uint32_t lane, const LanePacket& packet) override {
    lanes_.packet(lane, packet);
    return true;
  }
  void tick(FactNumber number, Timestamp now, const FrontStats& stats) override {
    lanes_.tick(number, now);
    observer_.tick(number, now, {stats, lanes_.stats()});
  }
  bool canary(std::uint64_t /*canary*/, const LanePacket& packet, bool last) override {
    lanes_.canary(packet, last);
    return true;
  }
  void clock_stepped(FactNumber /*next*/, std::uint64_t nth, Nanoseconds delta) override {
    lanes_.clock_stepped(nth, delta);
  }
  void finish(FactNumber number, EndReason reason, const FrontStats& stats) override {
    lanes_.finish(number, reason);
    observer_.capture_ended(number, {stats, lanes_.stats()});
  }

  PipelineObserver& observer_;
  LaneGroup lanes_;
  Front front_;
};

}  // namespace dpi
