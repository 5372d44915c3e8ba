// What lies in a spool folder and how it is named. One folder holds one instance's chain:
//   00000000000000000000.seg …   segments, named by their first sequence number
//   acked                        the shipper's cursor, advisory
//   lock                         flock of the one writer
//   quarantine/                  copies of damaged segments, and whole spools set aside
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
inline constexpr std::string_view spool_cursor_name = "acked";
inline constexpr std::string_view spool_unfinished_name = "segment.new";  // being created

struct SegmentFile {
  std::uint64_t first_seq = 0;
  std::filesystem::path path;
};

[[nodiscard]] std::string segment_name(std::uint64_t first_seq);
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept;
// In sequence order.
[[nodiscard]] Result<std::vector<SegmentFile>> list_segments(Storage& storage,
                                                             const std::filesystem::path& folder);

// Errc::sink: "PATH: WHAT: reason of errno; remedy".
[[nodiscard]] tl::unexpected<Error> storage_failure(const std::filesystem::path& path,
                                                    std::string_view what, int error);

// Creates the folder if need be and takes its lock.
[[nodiscard]] Result<std::unique_ptr<StorageLock>> lock_spool(Storage& storage,
                                                              const std::filesystem::path& folder);

// Copies a damaged segment to quarantine/, once. Gives the copy's path.
[[nodiscard]] Result<std::filesystem::path> quarantine_copy(Storage& storage,
                                                            const std::filesystem::path& segment);

// Moves a spool that cannot be continued (damage, state loss) into a new folder in quarantine/,
// whose path it gives, so that a new instance can begin in its place. Nothing is deleted. Needs the
// writer closed.
[[nodiscard]] Result<std::filesystem::path> set_aside_spool(const std::filesystem::path& folder);
[[nodiscard]] Result<std::filesystem::path> set_aside_spool(const std::filesystem::path& folder,
                                                            Storage& storage);

}  // namespace dpi
