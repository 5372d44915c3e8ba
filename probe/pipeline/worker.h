// A worker: takes packets from every front, runs its lanes, hands facts to the recorder. A process
// of its own, without key, files and network; what it may not survive (nDPI above all) ends no more
// than this.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "probe/base/doorbell.h"
#include "probe/pipeline/canary.h"
#include "probe/pipeline/fact_batch.h"
#include "probe/pipeline/front_merge.h"
#include "probe/pipeline/lane_group.h"
#include "probe/pipeline/left_out.h"
#include "probe/pipeline/worker_channel.h"

namespace dpi {

struct WorkerSettings {
  LaneLimits limits;
  HashSeed seed;
  std::uint32_t index = 0;
  std::uint32_t workers = 1;
  LeftOutList left_out;
  CanaryProgress* canary = nullptr;  // in shared memory
};

class Worker final : private FactBatchSink {
 public:
  // Goes on where the one before it on this channel was. The bell is the recorder's.
  Worker(const WorkerSettings& settings, WorkerChannel& channel,
         std::shared_ptr<Classifier> classifier, Doorbell& recorder);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() override;

  // Until every front has sent a batch that says stop.
  void run();

 private:
  class Watched;
  class Player;
  // A batch of one front that is being played.
  struct InHand {
    const WorkBatch* batch = nullptr;
    WorkPlace at;
    std::chrono::nanoseconds came{};
  };
  [[nodiscard]] bool any_in_hand() const noexcept;
  void take(std::uint32_t front);
  void look_at_next(std::uint32_t front);
  void play(std::uint32_t front, Timestamp until);
  [[nodiscard]] bool all_stopped() const noexcept;
  FactBatch* hand_over(FactBatch* full) override;

  WorkerSettings settings_;
  WorkerChannel& channel_;
  WorkerBoard& board_;
  Doorbell& recorder_;
  std::uint32_t incarnation_;
  FactEncoder encoder_;
  Watched* watched_;  // in lanes_
  LaneGroup lanes_;
  std::vector<InHand> in_hand_;  // by front
  FrontMerge merge_;
  Timestamp newest_{};  // of several fronts
  std::uint64_t clock_steps_ = 0;
};

}  // namespace dpi
