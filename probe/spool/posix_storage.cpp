#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "probe/spool/storage.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

constexpr mode_t file_mode = 0640;
constexpr mode_t folder_mode = 0750;

tl::unexpected<int> last_error() {
  return tl::unexpected<int>(errno);
}

IoResult<void> done(int code) {
  if (code != 0) return last_error();
  return {};
}

template <class Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class PosixFile final : public StorageFile {
 public:
  explicit PosixFile(int fd) noexcept : fd_(fd) {}
  ~PosixFile() override { ::close(fd_); }

  IoResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) override {
    const ssize_t got = retry_interrupted(
        [&] { return ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset)); });
    if (got < 0) return last_error();
    return static_cast<std::size_t>(got);
  }
  IoResult<std::size_t> write(std::uint64_t offset, Bytes data) override {
    const ssize_t wrote = retry_interrupted(
        [&] { return ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset)); });
    if (wrote < 0) return last_error();
    return static_cast<std::size_t>(wrote);
  }
  // fdatasync also writes the size when it is needed to find the data (fdatasync(2)).
  IoResult<void> sync() override { return done(::fdatasync(fd_)); }
  IoResult<void> truncate(std::uint64_t size) override {
    return done(retry_interrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); }));
  }
  IoResult<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return last_error();
    return static_cast<std::uint64_t>(status.st_size);
  }
  void drop_cache() noexcept override { ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED); }

 private:
  int fd_;
};

class PosixLock final : public StorageLock {
 public:
  explicit PosixLock(int fd) noexcept : fd_(fd) {}
  ~PosixLock() override { ::close(fd_); }

 private:
  int fd_;
};

int open_file(const fs::path& path, int flags) {
  return retry_interrupted([&] {
    return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, file_mode);
  });  // NOLINT(*-vararg)
}

class PosixStorage final : public Storage {
 public:
  IoResult<std::unique_ptr<StorageFile>> open(const fs::path& path, Mode mode) override {
    const int flags = mode == Mode::read    ? O_RDONLY
                      : mode == Mode::write ? O_RDWR
                                            : O_RDWR | O_CREAT | O_TRUNC;
    const int fd = open_file(path, flags);
    if (fd < 0) return last_error();
    return std::make_unique<PosixFile>(fd);
  }

  IoResult<std::vector<std::string>> list(const fs::path& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry{folder, error}; !error && entry != fs::directory_iterator{};
         entry.increment(error)) {
      std::error_code gone;
      if (entry->is_regular_file(gone)) names.push_back(entry->path().filename().string());
    }
    if (error) return tl::unexpected<int>(error.value());
    return names;
  }

  IoResult<std::uint64_t> file_size(const fs::path& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return last_error();
    return static_cast<std::uint64_t>(status.st_size);
  }

  IoResult<void> create_folder(const fs::path& folder) override {
    if (::mkdir(folder.c_str(), folder_mode) == 0) return {};
    std::error_code error;
    if (errno == EEXIST && fs::is_directory(folder, error)) return {};
    errno = errno == EEXIST ? ENOTDIR : errno;
    return last_error();
  }

  IoResult<void> rename(const fs::path& from, const fs::path& to) override {
    return done(::rename(from.c_str(), to.c_str()));
  }
  IoResult<void> remove(const fs::path& path) override { return done(::unlink(path.c_str())); }

  IoResult<void> sync_folder(const fs::path& folder) override {
    const int fd = open_file(folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return last_error();
    const PosixFile file{fd};
    return done(::fsync(fd));
  }

  IoResult<std::unique_ptr<StorageLock>> lock(const fs::path& path) override {
    const int fd = open_file(path, O_RDWR | O_CREAT);
    if (fd < 0) return last_error();
    auto lock = std::make_unique<PosixLock>(fd);
    if (retry_interrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) != 0) return last_error();
    return lock;
  }
};

}  // namespace

Storage& posix_storage() noexcept {
  static PosixStorage storage;
  return storage;
}

}  // namespace dpi
