// A worker thread: takes packets from every front, runs its lanes, hands facts to the recorder.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "probe/base/doorbell.h"
#include "probe/base/exchange.h"
#include "probe/pipeline/canary.h"
#include "probe/pipeline/fact_batch.h"
#include "probe/pipeline/lane_group.h"
#include "probe/pipeline/work_batch.h"

namespace dpi {

struct WorkerSettings {
  LaneLimits limits;
  HashSeed seed;
  std::uint32_t index = 0;
  std::uint32_t workers = 1;
  std::uint32_t fronts = 1;
  std::size_t work_batches = 8;  // per front; both are rounded up to a power of two
  std::size_t fact_batches = 8;
  int cpu = -1;  // to run on; -1: any
  CanaryProgress* canary = nullptr;
};

class Worker final : private FactBatchSink {
 public:
  // The bell is the recorder's.
  Worker(const WorkerSettings& settings, std::unique_ptr<Classifier> classifier,
         Doorbell& recorder);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Every front must have sent a batch that says stop.
  ~Worker() override;

  // For fronts; each front is one producer.
  [[nodiscard]] Exchange<WorkBatch>& work(std::uint32_t front) noexcept { return *work_[front]; }
  void publish(std::uint32_t front, WorkBatch* batch) noexcept {
    work_[front]->publish(batch);
    bell_.ring();
  }
  // For the recorder.
  [[nodiscard]] Exchange<FactBatch>& facts() noexcept { return facts_; }

 private:
  void run();
  bool look_at(std::uint32_t front);
  FactBatch* hand_over(FactBatch* full) override;

  WorkerSettings settings_;
  Doorbell& recorder_;
  Doorbell bell_;
  std::vector<std::unique_ptr<Exchange<WorkBatch>>> work_;
  Exchange<FactBatch> facts_;
  FactEncoder encoder_;
  LaneGroup lanes_;
  std::uint32_t fronts_left_;
  std::thread thread_;
};

}  // namespace dpi
