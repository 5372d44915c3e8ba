// `ransomeye-dpi spec`: recipes into captures, and into checks of the whole pipeline.
#pragma once

#include <string>
#include <vector>

namespace dpi {

struct SpecOptions {
  std::vector<std::string> recipes;  // files, or folders that are searched for *.toml
  std::string to;                    // build: the folder for the captures
  bool index = false;                // check: print the index of rules
  bool outcome = false;              // check: print what came of each recipe
};

// Exit codes as docs/operations.md has them: 0 everything holds, 2 a recipe is not understood, 5
// something differs or a rule has no recipe.
[[nodiscard]] int run_spec_build(const SpecOptions& options);
[[nodiscard]] int run_spec_check(const SpecOptions& options);

}  // namespace dpi
