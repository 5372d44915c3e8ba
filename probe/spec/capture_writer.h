// A recipe → the bytes of its capture file; the same recipe gives the same bytes everywhere.
#pragma once

#include "probe/spec/recipe.h"

namespace dpi::spec {

[[nodiscard]] Result<ByteBuffer> build_capture(const Recipe& recipe);

// What a file with this recipe's capture is called: its name without .toml, and the ending of its
// format.
[[nodiscard]] std::string capture_name(const Recipe& recipe);

}  // namespace dpi::spec
