// The workers as the probe sees them: memory that it shares with them, and the supervisor that runs
// them. Begun while the probe has one thread and no key: what is in its memory then, they have too.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "probe/base/file_descriptor.h"
#include "probe/pipeline/supervisor.h"

namespace dpi {

struct WorkerPoolSettings {
  SupervisorSettings supervisor{};
  std::uint32_t workers = 1;
  std::uint32_t fronts = 1;
  std::size_t work_batches = 8;  // that can wait, between a front and a worker
  std::size_t fact_batches = 8;  // between a worker and the recorder
};

class WorkerPool {
 public:
  // Forks the supervisor; no worker runs yet. The classifier is never used here: each worker works
  // with its own copy of it as it is now, page by page, so that freeing it would copy it.
  [[nodiscard]] static Result<std::unique_ptr<WorkerPool>> start(
      WorkerPoolSettings settings, std::shared_ptr<Classifier> classifier);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  // All workers, with nothing in their queues. At most SupervisorBoard::left_out_max are left out.
  void begin(std::span<const LeftOut> left_out);
  // Ends those that still run.
  void end();
  // From any thread: the supervisor is there.
  [[nodiscard]] bool alive() const noexcept;

  [[nodiscard]] std::vector<WorkerChannel>& channels() noexcept { return channels_; }
  [[nodiscard]] const std::vector<WorkerChannel>& channels() const noexcept { return channels_; }
  [[nodiscard]] SlotRing<WorkerDeath>& deaths() noexcept { return deaths_; }
  [[nodiscard]] Doorbell& recorder_bell() noexcept { return board_[0].recorder; }
  [[nodiscard]] CanaryProgress& canary() noexcept { return board_[0].canary; }
  [[nodiscard]] std::uint32_t fronts() const noexcept { return fronts_; }
  [[nodiscard]] bool restarts() const noexcept { return restarts_; }

 private:
  WorkerPool() = default;

  std::shared_ptr<Classifier> classifier_;
  std::uint32_t fronts_ = 1;
  bool restarts_ = true;
  std::vector<WorkerChannel> channels_;
  SlotRing<WorkerDeath> deaths_;
  SharedArray<SupervisorBoard> board_;  // one
  FileDescriptor orders_;
  pid_t supervisor_ = 0;
};

}  // namespace dpi
