// What a replay leaves out because it ended a worker when it was tried before. Said by numbers that
// depend on the captures alone, so that the events are the same with any number of workers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "probe/pipeline/lane.h"

namespace dpi {

struct LeftOut {
  enum class What : std::uint8_t {
    dissection,  // of packet `number`: it is counted, neither nDPI nor our parsers see it
    packet,      // packet `number` altogether
    conclusion,  // of the flow whose first packet is `number`: nDPI is not asked for a last word
  };
  What what = What::dissection;
  FactNumber number = 0;

  bool operator==(const LeftOut&) const = default;
};

// Few, and nearly always none.
class LeftOutList {
 public:
  LeftOutList() = default;
  explicit LeftOutList(std::span<const LeftOut> all) : all_(all.begin(), all.end()) {}

  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] bool has(LeftOut::What what, FactNumber number) const noexcept {
    return std::find(all_.begin(), all_.end(), LeftOut{what, number}) != all_.end();
  }

 private:
  std::vector<LeftOut> all_;
};

}  // namespace dpi
