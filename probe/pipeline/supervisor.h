// The process that makes workers: forked from the probe while that has one thread and no key, with
// nDPI's automata ready in its memory, so that a worker is there within milliseconds. It watches
// them from outside, ends one that makes no progress, tells of those that died and starts them
// again. It has one thread and looks at no packet.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "probe/base/file_descriptor.h"
#include "probe/pipeline/worker.h"
#include "probe/pipeline/worker_death.h"

namespace dpi {

struct SupervisorSettings {
  LaneLimits limits{};  // of all workers together
  HashSeed seed{};
  std::vector<int> worker_cpus{};  // to run on, by worker; missing or -1: any
  bool restart = true;             // a worker that died; else its death ends the run
  // What a worker may use for one packet or one event without getting on, in CPU time: a slow or
  // busy machine changes nothing.
  std::chrono::milliseconds cpu_budget{2000};
  std::uint64_t data_bytes_max = 0;  // of a worker's own memory (RLIMIT_DATA); 0: no limit
  // Give away what they do not need; the second is called in each worker besides.
  Result<void> (*confine_supervisor)() = nullptr;
  Result<void> (*confine_worker)() = nullptr;
};

// In shared memory: what it shares with the probe besides the workers' channels.
struct SupervisorBoard {
  static constexpr std::size_t left_out_max = 64;
  Doorbell recorder;
  CanaryProgress canary;
  std::array<LeftOut, left_out_max> left_out;
  std::uint32_t left_out_count = 0;
};

// What the probe asks for, a byte each; the answer is the same byte.
enum class Order : std::uint8_t {
  begin = 'b',  // start all workers
  end = 'e',    // end those that have not ended; answered when none is left
};

class Supervisor {
 public:
  Supervisor(SupervisorSettings settings, std::shared_ptr<Classifier> classifier,
             std::vector<WorkerChannel>& channels, SlotRing<WorkerDeath>& deaths,
             SupervisorBoard& board, FileDescriptor orders, pid_t parent);

  // Until the probe closes its end.
  [[noreturn]] void run();

 private:
  struct Child {
    pid_t pid = 0;  // 0: none
    std::uint64_t began_ms = 0;
    std::uint64_t start_at_ms = 0;  // 0: not to be started
    std::uint64_t at_start = 0;     // progress of those before it
    std::uint64_t seen = 0;         // progress as it was seen last, and its CPU time then
    std::uint64_t cpu_ns = 0;
    bool stuck = false;
    std::optional<int> untold;  // how it died
    std::uint64_t retried = 0;  // place of what is tried for the second time
  };

  void take_order();
  void start(std::uint32_t worker);
  [[noreturn]] void become_worker(std::uint32_t worker);
  void reap();
  void tell(std::uint32_t worker);
  static void settle(Child& child, WorkerChannel& channel, WorkerDeath& death);
  void watch(Child& child, const WorkerBoard& board);
  void end_all();

  SupervisorSettings settings_;
  std::shared_ptr<Classifier> classifier_;
  std::vector<WorkerChannel>& channels_;
  SlotRing<WorkerDeath>& deaths_;
  SupervisorBoard& board_;
  FileDescriptor orders_;
  FileDescriptor child_signals_;
  std::vector<Child> children_;
};

}  // namespace dpi
