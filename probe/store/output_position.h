// How far an output of the spool is known to be on the disk, or with its receiver, kept beside the
// spool: where it goes on after whatever ended it.
//
//   ransomeye-dpi output 1
//   eve:/var/log/ransomeye/eve.json
//   next_seq 1234
//   file DEVICE INODE BYTES
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "probe/base/result.h"
#include "probe/spool/storage.h"
#include "probe/store/append_file.h"

namespace dpi {

struct OutputPosition {
  std::uint64_t next_seq = 0;            // events below it are where they belong
  std::vector<AppendFile::Place> files;  // of an output that has files
  bool operator==(const OutputPosition&) const = default;
};

// The file of that output's position, in the folder of a spool.
[[nodiscard]] std::filesystem::path position_path(const std::filesystem::path& spool,
                                                  std::string_view output);
// Nothing when there is none yet; Errc::sink when it cannot be read or is no position.
[[nodiscard]] Result<std::optional<OutputPosition>> read_position(
    const std::filesystem::path& path);
// All of it or none, and safe from a power cut. The folder is made.
[[nodiscard]] Result<void> write_position(Storage& storage, const std::filesystem::path& path,
                                          std::string_view output, const OutputPosition& position);

}  // namespace dpi
