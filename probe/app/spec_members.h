// Members that a recipe expects, against those that events can have: a name that no event has would
// be `absent` for ever and hold whatever happens.
#pragma once

#include "probe/base/result.h"
#include "probe/spec/recipe.h"

namespace dpi {

// Errc::usage with file, line and what was probably meant.
[[nodiscard]] Result<void> check_expected_members(const spec::Recipe& recipe);

}  // namespace dpi
