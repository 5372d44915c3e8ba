// Events of gaps that were declared lost and found later: in a salvaged spool, a disk put back.
#pragma once

#include <cstdint>
#include <filesystem>

#include "probe/base/result.h"
#include "probe/store/shipper.h"

namespace dpi {

struct GapsFilled {
  std::uint64_t gaps = 0;  // that the chain has
  std::uint64_t gaps_filled = 0;
  std::uint64_t events = 0;
};

// A gap is filled when all of its events are there.
[[nodiscard]] Result<GapsFilled> fill_gaps(const ShipTarget& target,
                                           const std::filesystem::path& spool);

}  // namespace dpi
