// A number that whoever runs the test may choose.
#pragma once

#include <cstdlib>

namespace dpi::test {

inline unsigned environment(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

}  // namespace dpi::test
