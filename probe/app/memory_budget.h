// Every table, list and queue has a bound, and the bounds have a sum: limits.memory_mib, of all
// processes of a sensor together. Tables have theirs by number and size of what they hold; what is
// left of the sum, the queues between the processes share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probe/app/config.h"

namespace dpi {

// How many there are of what is there more than once.
struct MemoryShape {
  std::uint64_t workers = 1;
  std::uint64_t fronts = 1;   // sources that are polled by a thread each
  std::uint64_t rings = 0;    // of AF_PACKET sockets
  std::uint64_t outputs = 0;  // that read the spool beside the database
};
// As the configuration says; interfaces may be named elsewhere.
[[nodiscard]] MemoryShape memory_shape(const Config& config);

struct MemoryPart {
  std::string_view name;
  std::string_view keys;  // that lower it; empty: none
  std::uint64_t bytes = 0;
};

class MemoryBudget {
 public:
  MemoryBudget(const Config& config, const MemoryShape& shape);

  [[nodiscard]] const std::vector<MemoryPart>& parts() const noexcept { return parts_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  // The parts in words, in MiB.
  [[nodiscard]] std::string text() const;
  // Errc::usage with the parts when their sum is beyond limits.memory_mib.
  [[nodiscard]] Result<void> check() const;

  // Between a front and a worker, and between a worker and the recorder: at most workers.batches,
  // fewer where there is no room for so many.
  [[nodiscard]] std::size_t work_batches() const noexcept { return batches_; }
  [[nodiscard]] std::size_t fact_batches() const noexcept;
  // Of the private memory of one worker (RLIMIT_DATA): its share of the tables and a quarter more,
  // and what it was born with. 0: no limit, for the sanitizers' shadow has no such bounds.
  [[nodiscard]] std::uint64_t worker_data_bytes() const noexcept;

 private:
  [[nodiscard]] std::uint64_t queue_bytes() const noexcept;

  MemoryShape shape_;
  std::uint64_t limit_bytes_;
  std::uint64_t table_bytes_ = 0;  // of all workers
  std::size_t batches_;
  std::vector<MemoryPart> parts_;
};

// What the control group of this process may have (systemd's MemoryMax=); nothing: no limit, or
// not known.
[[nodiscard]] std::optional<std::uint64_t> control_group_memory_max();

}  // namespace dpi
