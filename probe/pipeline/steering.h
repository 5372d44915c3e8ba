// A front's way to the workers: packets of a round are gathered in one batch a worker and published
// when the round ends, or before when one of them is full. Owned by the front's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "probe/pipeline/front.h"
#include "probe/pipeline/worker_channel.h"

namespace dpi {

// What to do when a worker is behind.
enum class WhenBehind : std::uint8_t {
  wait,  // a file can wait
  shed,  // a live capture cannot: packets for that worker are counted and dropped
};

class Steering final : public LaneDispatcher {
 public:
  // Waiting ends when `gone` says that nobody will ever make room; then everything is dropped.
  Steering(std::vector<WorkerChannel*> workers, std::uint32_t front, WhenBehind when_behind,
           std::function<bool()> gone);

  bool packet(std::uint32_t lane, const LanePacket& packet) override;
  void tick(FactNumber number, Timestamp now, const FrontStats& stats) override;
  bool canary(std::uint64_t canary, const LanePacket& packet, bool last) override;
  void clock_stepped(FactNumber next, std::uint64_t nth, Nanoseconds delta) override;
  void finish(FactNumber number, EndReason reason, const FrontStats& stats) override;

  // Publishes the round: everything up to this number has been told.
  void end_round(FactNumber complete_to);
  // The last round: workers end when every front has said so.
  void stop(FactNumber complete_to);

 private:
  struct Way {
    WorkerChannel* worker = nullptr;
    WorkBatch* batch = nullptr;  // being filled
  };
  // Ends the round when a batch has no room for one more of anything.
  void make_room(FactNumber next);
  // Waits for one; null: nobody is left to wait for.
  WorkBatch* batch_of(Way& to);
  // Null also when the worker is behind.
  WorkBatch* batch_now(Way& to);
  [[nodiscard]] WorkBatch* begun(Way& to, WorkBatch* batch) noexcept;
  void publish(Way& to, FactNumber complete_to) noexcept;

  std::vector<Way> ways_;
  std::uint32_t front_;
  WhenBehind when_behind_;
  std::function<bool()> gone_;
  Timestamp now_{};  // newest that was told to anybody
};

}  // namespace dpi
