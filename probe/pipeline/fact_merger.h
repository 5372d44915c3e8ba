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
    const FactBatch* batch = nullptr;
    Fact fact{};
  };

  void offer(std::size_t worker, const FactBatch* batch);
  // The next fact, or nothing until more batches are offered. Its batch may be used up with it.
  [[nodiscard]] std::optional<Next> next();
  // A worker whose oldest batch is used up and may go back; each is told once.
  [[nodiscard]] std::optional<std::size_t> used_up();

 private:
  // What a worker says of a batch is read once: it may write on.
  struct Offered {
    const FactBatch* batch;
    std::size_t count;
  };
  struct Stream {
    std::deque<Offered> batches;
    std::size_t at = 0;  // in the first batch
    Fact head{};         // of the first batch, copied
    FactNumber complete_to = 0;
  };
  void settle(std::size_t worker);

  std::vector<Stream> streams_;
  std::deque<std::size_t> used_;
};

}  // namespace dpi
