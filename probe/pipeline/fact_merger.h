// The facts of several workers in one order, (number, order), whatever the order in which their
// batches arrive. A fact comes out once no worker can still bring an earlier one.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "probe/pipeline/fact_batch.h"

namespace dpi {

class FactMerger {
 public:
  explicit FactMerger(std::size_t workers) : streams_(workers) {}

  struct Next {
    std::size_t worker = 0;
    FactBatch* batch = nullptr;
    const Fact* fact = nullptr;
  };

  void offer(std::size_t worker, FactBatch* batch);
  // The next fact, or nothing until more batches are offered. Valid until the next call.
  [[nodiscard]] std::optional<Next> next();
  // A batch that is used up; its worker may have it back.
  [[nodiscard]] std::optional<Next> used_up();

 private:
  struct Stream {
    std::deque<FactBatch*> batches;
    std::size_t at = 0;  // in the first batch
    FactNumber complete_to = 0;
  };
  void skip_used(std::size_t worker);

  std::vector<Stream> streams_;
  std::deque<Next> used_;
};

}  // namespace dpi
