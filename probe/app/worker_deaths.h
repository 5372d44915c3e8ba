// What a running probe does when a worker has died: it says so, sets the packet aside and has a
// worker.crash sealed. The recorder's thread.
#pragma once

#include <filesystem>
#include <string>

#include "probe/app/quarantine.h"
#include "probe/pipeline/worker_death.h"

namespace dpi {

class WorkerDeaths {
 public:
  // At most so many packets are kept.
  WorkerDeaths(std::filesystem::path folder, std::uint64_t packets_max)
      : quarantine_(std::move(folder), packets_max), keeps_(packets_max > 0) {}

  // The payload of its worker.crash.
  [[nodiscard]] std::string died(const WorkerDeath& death);

 private:
  Quarantine quarantine_;
  bool keeps_;
};

// In words: "signal 11 (Segmentation fault)", or that it made no progress.
[[nodiscard]] std::string cause_of(const WorkerDeath& death);

}  // namespace dpi
