// A replay in which workers die: what ended one is left out, and the replay begins again. All that
// was told before is told no second time, so the events are the same whenever a worker died and
// however many there are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probe/base/result.h"
#include "probe/pipeline/data_path.h"

namespace dpi {

class ReplayDeaths {
 public:
  // On the recorder's thread.
  void died(const WorkerDeath& death);
  // The workers are gone: whether to begin again, without what is left out by then. The error says
  // why not.
  [[nodiscard]] Result<void> begin_again(std::uint64_t told);

  [[nodiscard]] std::span<const LeftOut> left_out() const noexcept { return left_out_; }
  [[nodiscard]] std::uint64_t told_before() const noexcept { return told_; }
  // The packet at that position of a capture (from 1) was given the numbers behind `before` up to
  // `last`: names it when something of it was left out.
  void passed(FactNumber before, FactNumber last, const std::string& capture,
              std::uint64_t position);

 private:
  struct Last {
    WorkerDeath::At at;
    FactNumber number;
    FactNumber item;
    std::string cause;
  };
  [[nodiscard]] bool add(LeftOut what);

  std::vector<LeftOut> left_out_;
  std::vector<std::string> causes_;  // of each
  std::vector<bool> named_;
  std::optional<Last> last_;
  std::uint64_t told_ = 0;
  std::size_t unexplained_ = 0;
};

}  // namespace dpi
