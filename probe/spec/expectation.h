// What came of a recipe against what it expects: only the members that the recipe states are
// compared, but every row and every anomaly is counted.
#pragma once

#include <string>
#include <vector>

#include "probe/spec/recipe.h"

namespace dpi::spec {

// What a replay gave, payloads as they are in the events.
struct Outcome {
  int exit = 0;
  std::vector<std::string> says;  // on standard error
  std::vector<Value> flows;
  std::vector<Value> dns;
  std::vector<Value> heartbeats;
};

struct Difference {
  std::uint32_t line = 0;  // of the recipe; 0: none stands for it
  std::string what;
  std::string expected;
  std::string actual;
};

[[nodiscard]] std::vector<Difference> compare(const Recipe& recipe, const Outcome& outcome);

// "file:line: what" and the two values below each other.
[[nodiscard]] std::string difference_text(const std::string& file, const Difference& difference);

// The outcome as the [expect] of a recipe, every member: a start for writing one.
[[nodiscard]] std::string outcome_text(const Outcome& outcome);

}  // namespace dpi::spec
