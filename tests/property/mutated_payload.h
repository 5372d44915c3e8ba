// A payload with one thing changed: a value for another of its kind, often one at a limit or one
// that stands elsewhere in it, a member or element left out or there twice. Canonical JSON as
// before.
#pragma once

#include <random>
#include <string>

namespace dpi::test {

[[nodiscard]] std::string mutated(const std::string& payload, std::mt19937_64& random);

}  // namespace dpi::test
