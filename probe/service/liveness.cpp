#include "probe/service/liveness.h"

namespace dpi {

void Liveness::watch(std::string stage, std::function<std::uint64_t()> progress,
                     std::chrono::milliseconds patience) {
  stages_.push_back({.name = std::move(stage),
                     .progress = std::move(progress),
                     .patience_ms = static_cast<std::uint64_t>(patience.count())});
}

std::vector<std::string> Liveness::check(std::uint64_t now_ms) {
  std::vector<std::string> stuck;
  for (Stage& stage : stages_) {
    const std::uint64_t number = stage.progress();
    if (!stage.seen || number != stage.number) {
      stage.seen = true;
      stage.number = number;
      stage.moved_at_ms = now_ms;
    } else if (now_ms - stage.moved_at_ms > stage.patience_ms) {
      stuck.push_back(stage.name);
    }
  }
  return stuck;
}

}  // namespace dpi
