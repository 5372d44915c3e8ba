// What replay and sensor make in the same way.
#pragma once

#include <memory>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/siphash.h"
#include "probe/classify/classifier.h"

namespace dpi {

// Of hash tables: it decides how fast they are, never what they say.
[[nodiscard]] HashSeed random_seed();

// Who shares a lane in a replay: the same whenever it is repeated.
[[nodiscard]] HashSeed lane_seed_of(const Uuid& run) noexcept;

// One a worker, at least one.
[[nodiscard]] Result<std::vector<std::unique_ptr<Classifier>>> open_classifiers(
    ClassifierLimits limits, std::uint64_t workers);

}  // namespace dpi
