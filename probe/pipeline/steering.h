// A front's way to the workers: packets of a round are gathered in one batch a worker and published
// when the round ends. Owned by the front's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "probe/pipeline/worker.h"

namespace dpi {

// What to do when a worker is behind.
enum class WhenBehind : std::uint8_t {
  wait,  // a file can wait
  shed,  // a live capture cannot: packets for that worker are counted and dropped
};

class Steering final : public LaneDispatcher {
 public:
  Steering(std::vector<Worker*> workers, std::uint32_t front, WhenBehind when_behind);

  bool packet(std::uint32_t lane, const LanePacket& packet) override;
  void tick(FactNumber number, Timestamp now, const FrontStats& stats) override;
  bool canary(std::uint64_t canary, const LanePacket& packet, bool last) override;
  void clock_stepped(std::uint64_t nth, Nanoseconds delta) override;
  void finish(FactNumber number, EndReason reason, const FrontStats& stats) override;

  // Publishes the round: everything up to this number has been told. The views of its packets point
  // into `memory`.
  void end_round(FactNumber complete_to, std::shared_ptr<const Batch> memory);
  // The last round: workers end when every front has said so.
  void stop(FactNumber complete_to);

 private:
  struct Way {
    Worker* worker = nullptr;
    WorkBatch* batch = nullptr;  // being filled
  };
  // Waits for room.
  WorkBatch& batch_of(Way& to);
  // Null when the worker is behind.
  WorkBatch* batch_now(Way& to);

  std::vector<Way> ways_;
  std::uint32_t front_;
  WhenBehind when_behind_;
};

}  // namespace dpi
