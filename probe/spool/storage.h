// The few file operations that the spool's promises rest on, so that tests can cut the power
// between any two. Errors are errno values; the callers say what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "probe/base/bytes.h"

namespace dpi {

template <class T>
using IoResult = tl::expected<T, int>;

class StorageFile {
 public:
  StorageFile() = default;
  StorageFile(const StorageFile&) = delete;
  StorageFile& operator=(const StorageFile&) = delete;
  virtual ~StorageFile() = default;

  // May give fewer bytes; 0 only at the end.
  [[nodiscard]] virtual IoResult<std::size_t> read(std::uint64_t offset,
                                                   std::span<std::uint8_t> out) = 0;
  // May take fewer bytes.
  [[nodiscard]] virtual IoResult<std::size_t> write(std::uint64_t offset, Bytes data) = 0;
  // After an error the same file must not be synced again: the kernel may have dropped what failed.
  [[nodiscard]] virtual IoResult<void> sync() = 0;
  [[nodiscard]] virtual IoResult<void> truncate(std::uint64_t size) = 0;
  [[nodiscard]] virtual IoResult<std::uint64_t> size() = 0;
  // Forgets cached bytes that are not waiting to be written, so that reads show the disk. A failed
  // sync leaves such bytes: in the cache, marked clean, never on the disk. Best effort.
  virtual void drop_cache() noexcept = 0;
};

// Held as long as it lives.
class StorageLock {
 public:
  StorageLock() = default;
  StorageLock(const StorageLock&) = delete;
  StorageLock& operator=(const StorageLock&) = delete;
  virtual ~StorageLock() = default;
};

class Storage {
 public:
  enum class Mode { read, write, create };  // create: for writing, emptied if it exists

  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;

  [[nodiscard]] virtual IoResult<std::unique_ptr<StorageFile>> open(
      const std::filesystem::path& path, Mode mode) = 0;
  // Regular files of the folder, names only, any order.
  [[nodiscard]] virtual IoResult<std::vector<std::string>> list(
      const std::filesystem::path& folder) = 0;
  [[nodiscard]] virtual IoResult<std::uint64_t> file_size(const std::filesystem::path& path) = 0;
  // Succeeds when it is there already.
  [[nodiscard]] virtual IoResult<void> create_folder(const std::filesystem::path& folder) = 0;
  [[nodiscard]] virtual IoResult<void> rename(const std::filesystem::path& from,
                                              const std::filesystem::path& to) = 0;
  [[nodiscard]] virtual IoResult<void> remove(const std::filesystem::path& path) = 0;
  // Makes created, renamed and removed names durable.
  [[nodiscard]] virtual IoResult<void> sync_folder(const std::filesystem::path& folder) = 0;
  // EWOULDBLOCK when somebody holds it.
  [[nodiscard]] virtual IoResult<std::unique_ptr<StorageLock>> lock(
      const std::filesystem::path& path) = 0;
};

// The real one: files 0640, folders 0750. Has no state.
[[nodiscard]] Storage& posix_storage() noexcept;

}  // namespace dpi
