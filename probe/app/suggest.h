// "Did you mean …?" for what people mistype.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dpi {

// The candidate nearest to the word by letters added, left out, changed or exchanged with their
// neighbour; empty when none is near.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> candidates);

// "; did you mean X?", or nothing.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     std::span<const std::string> candidates);

}  // namespace dpi
