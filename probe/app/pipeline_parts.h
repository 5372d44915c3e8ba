// What replay and sensor make in the same way.
#pragma once

#include <memory>

#include "probe/app/config.h"
#include "probe/app/memory_budget.h"
#include "probe/base/hex.h"
#include "probe/base/siphash.h"
#include "probe/classify/classifier.h"
#include "probe/pipeline/supervisor.h"

namespace dpi {

// Of hash tables: it decides how fast they are, never what they say.
[[nodiscard]] HashSeed random_seed();

// Who shares a lane in a replay: the same whenever it is repeated.
[[nodiscard]] HashSeed lane_seed_of(const Uuid& run) noexcept;

// For the workers to begin with. Made once for all replays of this process, and there until it
// ends: nDPI builds tables for it in some 10 ms. From one thread.
[[nodiscard]] Result<std::shared_ptr<Classifier>> fresh_classifier(ClassifierLimits limits);

// What the workers' processes are made with, before the sandbox and before a key is read.
[[nodiscard]] SupervisorSettings supervisor_settings(const Config& config,
                                                     const MemoryBudget& memory, bool sandbox);

}  // namespace dpi
