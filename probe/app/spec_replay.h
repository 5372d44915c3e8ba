// One recipe through `replay` itself: the capture is built in memory, replayed with the recipe's
// configuration, and its events and messages are read back. Not for several threads.
#pragma once

#include "probe/base/bytes.h"
#include "probe/spec/expectation.h"
#include "probe/spec/recipe.h"

namespace dpi {

// Errc::usage: the recipe's packets or configuration are not understood.
[[nodiscard]] Result<spec::Outcome> replay_recipe(const spec::Recipe& recipe);

}  // namespace dpi
