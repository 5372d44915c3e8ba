#include "probe/spool/spool_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace dpi {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t seq_digits = 20;
constexpr std::string_view segment_suffix = ".seg";
constexpr std::string_view damaged_suffix = ".damaged";

std::string_view remedy(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free space on that file system, then run again; nothing committed is lost";
    case EACCES:
    case EPERM:
    case EROFS:
      return "give this user write permission or name another folder";
    case ENOENT:
    case ENOTDIR:
      return "create the folder above it or name another one";
    case EIO:
      return "check the disk (dmesg), then run again; nothing committed is lost";
    default:
      return "check that file system, then run again; nothing committed is lost";
  }
}

bool is_suffix(std::string_view name) noexcept {
  return name == segment_suffix || name == damaged_suffix;
}

// Also one that is there: whoever made it may have been cut off before its name was safe. A parent
// that we may not open was not made by us.
Result<void> create_folder(Storage& storage, const fs::path& folder) {
  if (const auto made = storage.create_folder(folder); !made) {
    return storage_failure(folder, "cannot be created", made.error());
  }
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path{"."};
  const auto synced = storage.sync_folder(parent);
  if (!synced && synced.error() != EACCES && synced.error() != EPERM) {
    return storage_failure(parent, "cannot be synced", synced.error());
  }
  return {};
}

}  // namespace

std::string segment_name(std::uint64_t first_seq) {
  const std::string digits = std::to_string(first_seq);
  return std::string(seq_digits - digits.size(), '0') + digits + std::string{segment_suffix};
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  if (name.find('.') != seq_digits || !is_suffix(name.substr(seq_digits))) return std::nullopt;
  std::uint64_t seq = 0;
  const char* end = name.data() + seq_digits;
  const auto [stop, error] = std::from_chars(name.data(), end, seq);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return seq;
}

tl::unexpected<Error> storage_failure(const fs::path& path, std::string_view what, int error) {
  return fail(Errc::sink, path.string() + ": " + std::string{what} + ": " +
                              std::generic_category().message(error) + "; " +
                              std::string{remedy(error)});
}

Result<std::vector<SegmentFile>> list_segments(Storage& storage, const fs::path& folder) {
  const auto names = storage.list(folder);
  if (!names) return storage_failure(folder, "cannot be listed", names.error());
  std::vector<SegmentFile> segments;
  for (const std::string& name : *names) {
    if (const auto seq = parse_segment_name(name))
      segments.push_back({*seq, folder / name, name.ends_with(damaged_suffix)});
  }
  std::ranges::sort(segments, {}, &SegmentFile::first_seq);
  return segments;
}

Result<void> create_folders(Storage& storage, const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return {};
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    if (auto above = create_folders(storage, folder.parent_path()); !above) return above;
  }
  return create_folder(storage, folder);
}

Result<std::unique_ptr<StorageLock>> lock_spool(Storage& storage, const fs::path& folder) {
  if (auto made = create_folder(storage, folder); !made) return tl::unexpected(made.error());
  const fs::path path = folder / spool_lock_name;
  auto lock = storage.lock(path);
  if (!lock && lock.error() == EWOULDBLOCK) {
    return fail(
        Errc::sink,
        path.string() + ": another process writes this spool; stop it or name another folder");
  }
  if (!lock) return storage_failure(path, "cannot be locked", lock.error());
  return std::move(*lock);
}

Result<void> set_segment_aside(Storage& storage, const fs::path& segment) {
  fs::path aside = segment;
  aside.replace_extension(damaged_suffix);
  if (segment != aside) {
    if (const auto renamed = storage.rename(segment, aside); !renamed) {
      return storage_failure(segment, "cannot be renamed", renamed.error());
    }
  }
  if (const auto synced = storage.sync_folder(segment.parent_path()); !synced) {
    return storage_failure(segment.parent_path(), "cannot be synced", synced.error());
  }
  return {};
}

Result<void> quarantine_segment(Storage& storage, const fs::path& segment) {
  const fs::path folder = segment.parent_path() / spool_quarantine_name;
  if (const auto made = storage.create_folder(folder); !made) {
    return storage_failure(folder, "cannot be created", made.error());
  }
  if (const auto moved = storage.rename(segment, folder / segment.filename()); !moved) {
    return storage_failure(segment, "cannot be moved", moved.error());
  }
  // The new name first: a power cut may leave both, never none.
  for (const fs::path& changed : {folder, segment.parent_path()}) {
    if (const auto synced = storage.sync_folder(changed); !synced) {
      return storage_failure(changed, "cannot be synced", synced.error());
    }
  }
  return {};
}

Result<fs::path> set_aside_spool(const fs::path& folder) {
  return set_aside_spool(folder, posix_storage());
}

Result<fs::path> set_aside_spool(const fs::path& folder, Storage& storage) {
  const auto lock = lock_spool(storage, folder);
  if (!lock) return tl::unexpected(lock.error());
  const auto segments = list_segments(storage, folder);
  if (!segments) return tl::unexpected(segments.error());
  fs::path target = folder / spool_quarantine_name;
  if (const auto made = storage.create_folder(target); !made) {
    return storage_failure(target, "cannot be created", made.error());
  }
  constexpr int asides_max = 1'000'000;
  for (int number = 1; number < asides_max; ++number) {
    const fs::path candidate = folder / spool_quarantine_name / ("spool-" + std::to_string(number));
    if (const auto names = storage.list(candidate); !names || names->empty()) {
      target = candidate;
      break;
    }
  }
  if (const auto made = storage.create_folder(target); !made) {
    return storage_failure(target, "cannot be created", made.error());
  }
  std::vector<fs::path> moving;
  for (const SegmentFile& segment : *segments) moving.push_back(segment.path);
  for (const fs::path& path : moving) {
    const auto moved = storage.rename(path, target / path.filename());
    if (!moved && moved.error() != ENOENT)
      return storage_failure(path, "cannot be moved", moved.error());
  }
  for (const fs::path& changed : {target, folder}) {
    if (const auto synced = storage.sync_folder(changed); !synced) {
      return storage_failure(changed, "cannot be synced", synced.error());
    }
  }
  return target;
}

}  // namespace dpi
