// SipHash-2-4 (Aumasson, Bernstein 2012): the keyed hash of every table whose keys an attacker
// chooses.
#pragma once

#include <cstdint>

#include "probe/base/bytes.h"

namespace dpi {

struct HashSeed {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

[[nodiscard]] std::uint64_t siphash(HashSeed seed, Bytes data) noexcept;

}  // namespace dpi
