// What a worker's process shares with the others: batches from every front, facts for the recorder,
// and a board that says where it is. The board outlives the worker: from it the supervisor tells
// what a dead one was at, and its successor where to go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "probe/base/doorbell.h"
#include "probe/base/shared_memory.h"
#include "probe/base/slot_ring.h"
#include "probe/pipeline/fact_batch.h"
#include "probe/pipeline/work_batch.h"

namespace dpi {

// Which item of which batch of one front comes next, or is at work.
struct WorkPlace {
  std::uint32_t batch = 0;  // how many batches of this front were released before it
  std::uint32_t item = 0;
  bool busy = false;

  [[nodiscard]] std::uint64_t pack() const noexcept {
    return std::uint64_t{batch} << 32U | std::uint64_t{item} << 1U | (busy ? 1U : 0U);
  }
  [[nodiscard]] static WorkPlace unpack(std::uint64_t packed) noexcept {
    return {.batch = static_cast<std::uint32_t>(packed >> 32U),
            .item = static_cast<std::uint32_t>(packed) >> 1U,
            .busy = (packed & 1U) != 0};
  }
};

struct FrontPlace {
  std::atomic<std::uint64_t> place{0};  // a WorkPlace: one store says both where and whether
  std::atomic<bool> stopped{false};     // its last batch has been played
};

struct WorkerBoard {
  Doorbell work;  // rung by fronts

  // Written by the worker.
  alignas(64) std::atomic<std::uint64_t> steps{0};  // grows while it gets on, and only then
  std::atomic<std::uint64_t> concluding{0};         // flow whose last verdict is being asked for
  std::atomic<std::uint64_t> packets_played{0};
  std::atomic<std::uint64_t> bytes_played{0};
  FactTotals told;
  std::atomic<bool> leaves{false};  // all fronts have stopped: it ends by itself

  // Written by the supervisor, over all workers that there have been.
  alignas(64) std::atomic<std::uint64_t> lost_packets{0};
  std::atomic<std::uint64_t> lost_bytes{0};
  std::atomic<std::uint32_t> incarnation{0};
};

struct WorkerChannel {
  [[nodiscard]] static Result<WorkerChannel> make(std::uint32_t fronts, std::size_t work_batches,
                                                  std::size_t fact_batches);
  // As made; no worker runs.
  void reset() noexcept;

  // For fronts; each front is one producer.
  void publish(std::uint32_t front) noexcept {
    work[front].publish();
    board[0].work.ring();
  }

  std::vector<SlotRing<WorkBatch>> work;  // by front
  SlotRing<FactBatch> facts;
  SharedArray<FrontPlace> places;  // by front
  SharedArray<WorkerBoard> board;  // one
};

}  // namespace dpi
