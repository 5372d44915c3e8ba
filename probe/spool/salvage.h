// What is sound in one or several damaged spools of one chain.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "probe/base/result.h"
#include "probe/spool/spool_reader.h"

namespace dpi {

struct SoundRange {
  std::uint64_t first_seq = 0;
  std::uint64_t next_seq = 0;
  std::uint64_t batches = 0;
};

// Reads on to the end.
[[nodiscard]] Result<std::vector<SoundRange>> sound_ranges(SpoolReader& reader);

// Writes every event that one of them has into a new spool, with holes where none has it: to be
// shipped, not to be continued. Errc::usage unless all are of one instance and `to` is empty.
[[nodiscard]] Result<std::vector<SoundRange>> salvage(std::span<SpoolReader> sources,
                                                      const std::filesystem::path& to);

}  // namespace dpi
