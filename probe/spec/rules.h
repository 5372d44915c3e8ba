// Every rule of the contract that a recipe can pin, by name: taken from the code's own lists, so
// that a new encapsulation, anomaly or record type is a rule without a recipe until it has one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "probe/spec/expectation.h"
#include "probe/spec/recipe.h"

namespace dpi::spec {

struct Rule {
  std::string name;    // e.g. encapsulation.vxlan
  bool shown = false;  // rows can show it; otherwise a recipe's word for it counts
};
[[nodiscard]] std::vector<Rule> all_rules();

// The rules that the recipe's file and its rows show.
[[nodiscard]] std::set<std::string> rules_shown(const Recipe& recipe, const Outcome& outcome);

// Claims in `covers` that are no rule, or that the rows should show and do not.
[[nodiscard]] std::vector<Difference> check_claims(const Recipe& recipe, const Outcome& outcome);

}  // namespace dpi::spec
