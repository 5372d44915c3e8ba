// Do all stages of the probe make progress? Each stage has a number that grows while it works, busy
// or idle; one that stands still for longer than its patience is stuck. Owned by one thread; reads
// what other threads count.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dpi {

class Liveness {
 public:
  // `progress` is called by check() on the thread that owns this.
  void watch(std::string stage, std::function<std::uint64_t()> progress,
             std::chrono::milliseconds patience);

  // Names of the stages that are stuck, in the order in which they were given. `now_ms` never goes
  // backwards; a stage's patience begins with the first check.
  [[nodiscard]] std::vector<std::string> check(std::uint64_t now_ms);

 private:
  struct Stage {
    std::string name;
    std::function<std::uint64_t()> progress;
    std::uint64_t patience_ms;
    bool seen = false;
    std::uint64_t number = 0;
    std::uint64_t moved_at_ms = 0;
  };
  std::vector<Stage> stages_;
};

}  // namespace dpi
