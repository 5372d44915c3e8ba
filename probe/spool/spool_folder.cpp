#include "probe/spool/spool_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "probe/base/buffer_size.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t seq_digits = 20;
constexpr std::string_view segment_suffix = ".seg";

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

Result<void> copy_file(Storage& storage, const fs::path& from, const fs::path& to) {
  auto source = storage.open(from, Storage::Mode::read);
  if (!source) return storage_failure(from, "cannot be read", source.error());
  auto target = storage.open(to, Storage::Mode::create);
  if (!target) return storage_failure(to, "cannot be created", target.error());
  ByteBuffer buffer(read_buffer_bytes(std::size_t{1} << 20U));
  std::uint64_t offset = 0;
  for (;;) {
    const auto got = (*source)->read(offset, buffer);
    if (!got) return storage_failure(from, "cannot be read", got.error());
    if (*got == 0) break;
    std::size_t done = 0;
    while (done < *got) {
      const auto wrote = (*target)->write(offset + done, Bytes{buffer}.subspan(done, *got - done));
      if (!wrote) return storage_failure(to, "cannot be written", wrote.error());
      done += *wrote;
    }
    offset += *got;
  }
  if (const auto synced = (*target)->sync(); !synced) {
    return storage_failure(to, "cannot be synced", synced.error());
  }
  return {};
}

}  // namespace

std::string segment_name(std::uint64_t first_seq) {
  const std::string digits = std::to_string(first_seq);
  return std::string(seq_digits - digits.size(), '0') + digits + std::string{segment_suffix};
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  if (name.size() != seq_digits + segment_suffix.size() || !name.ends_with(segment_suffix)) {
    return std::nullopt;
  }
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
    if (const auto seq = parse_segment_name(name)) segments.push_back({*seq, folder / name});
  }
  std::ranges::sort(segments, {}, &SegmentFile::first_seq);
  return segments;
}

Result<std::unique_ptr<StorageLock>> lock_spool(Storage& storage, const fs::path& folder) {
  if (const auto made = storage.create_folder(folder); !made) {
    return storage_failure(folder, "cannot be created", made.error());
  }
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

Result<fs::path> quarantine_copy(Storage& storage, const fs::path& segment) {
  const fs::path folder = segment.parent_path() / spool_quarantine_name;
  if (const auto made = storage.create_folder(folder); !made) {
    return storage_failure(folder, "cannot be created", made.error());
  }
  const fs::path copy = folder / segment.filename();
  if (storage.file_size(copy)) return copy;  // the first copy is the evidence
  const fs::path unfinished = folder / spool_unfinished_name;
  if (auto copied = copy_file(storage, segment, unfinished); !copied) {
    return tl::unexpected(copied.error());
  }
  if (const auto renamed = storage.rename(unfinished, copy); !renamed) {
    return storage_failure(copy, "cannot be renamed", renamed.error());
  }
  if (const auto synced = storage.sync_folder(folder); !synced) {
    return storage_failure(folder, "cannot be synced", synced.error());
  }
  return copy;
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
  std::vector<fs::path> moving{folder / spool_cursor_name};
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
