// What lies in a spool folder and how it is named. One folder holds one instance's chain:
//   00000000000000000000.seg …   segments, named by their first sequence number
//   00000000000000104217.damaged a segment set aside: its sound records still count
//   lock                         flock of the one writer
//   quarantine/                  damaged segments that are done with, and whole spools set aside
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/result.h"
#include "probe/spool/storage.h"

namespace dpi {

inline constexpr std::string_view spool_lock_name = "lock";
inline constexpr std::string_view spool_quarantine_name = "quarantine";
inline constexpr std::string_view spool_unfinished_name = "segment.new";  // being created

struct SegmentFile {
  std::uint64_t first_seq = 0;
  std::filesystem::path path;
  bool set_aside = false;
};

[[nodiscard]] std::string segment_name(std::uint64_t first_seq);
// Also of one that was set aside.
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept;
// In sequence order, with those that were set aside.
[[nodiscard]] Result<std::vector<SegmentFile>> list_segments(Storage& storage,
                                                             const std::filesystem::path& folder);

// Errc::sink: "PATH: WHAT: reason of errno; remedy".
[[nodiscard]] tl::unexpected<Error> storage_failure(const std::filesystem::path& path,
                                                    std::string_view what, int error);

// Creates what is missing of a path to spools, so that a power cut cannot take it away again.
[[nodiscard]] Result<void> create_folders(Storage& storage, const std::filesystem::path& folder);

// Creates the folder if need be, durably, and takes its lock.
[[nodiscard]] Result<std::unique_ptr<StorageLock>> lock_spool(Storage& storage,
                                                              const std::filesystem::path& folder);

// Gives a damaged segment the name that says so; nobody writes it any more, or deletes it.
[[nodiscard]] Result<void> set_segment_aside(Storage& storage,
                                             const std::filesystem::path& segment);
// Moves one that was set aside, and is done with, to quarantine/.
[[nodiscard]] Result<void> quarantine_segment(Storage& storage,
                                              const std::filesystem::path& segment);

// Moves a spool that cannot be continued (damage, state loss) into a new folder in quarantine/,
// whose path it gives, so that a new instance can begin in its place. Nothing is deleted. Needs the
// writer closed.
[[nodiscard]] Result<std::filesystem::path> set_aside_spool(const std::filesystem::path& folder);
[[nodiscard]] Result<std::filesystem::path> set_aside_spool(const std::filesystem::path& folder,
                                                            Storage& storage);

}  // namespace dpi
