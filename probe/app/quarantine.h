// Sets aside the packets that workers died of: one capture file each in a folder of its own, of
// which only the newest stay. The recorder's thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/pipeline/worker_death.h"

namespace dpi {

class Quarantine {
 public:
  struct Kept {
    std::filesystem::path file;
    Digest sha256{};  // of the file
  };
  Quarantine(std::filesystem::path folder, std::uint64_t files_max)
      : folder_(std::move(folder)), files_max_(files_max) {}

  // The packet as the worker saw it: from its innermost IP header on, LINKTYPE_RAW.
  [[nodiscard]] Result<Kept> keep(const WorkerDeath& death);

 private:
  void forget_oldest() const;

  std::filesystem::path folder_;
  std::uint64_t files_max_;
};

}  // namespace dpi
