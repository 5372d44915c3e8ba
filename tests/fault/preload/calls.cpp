// The system calls of the program under test, as seen through this library: they fail as asked, and
// at the chosen one the power goes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <mutex>

#include "tests/fault/preload/disk.h"
#include "tests/fault/preload/real.h"

namespace fault {
namespace {

constexpr int power_cut_exit = 137;  // as after kill -9

std::recursive_mutex& lock() {
  static std::recursive_mutex mutex;
  return mutex;
}
Disk& disk() {
  static Disk all;
  return all;
}

std::string absolute(const char* path) {
  if (*path == '/') return path;
  char here[PATH_MAX];
  return ::getcwd(here, sizeof here) == nullptr ? path : std::string{here} + "/" + path;
}

// Before and behind every operation the power may go.
void count() {
  Settings& all = settings();
  const auto done = static_cast<std::uint64_t>(++all.state->operations);
  static const std::uint64_t before = done - 1;
  if (all.cut_at == 0 || done - before < all.cut_at) return;
  ++all.state->cuts;
  disk().lose(all);
  ::_exit(power_cut_exit);
}

template <class Number>
Number failed(int error) {
  errno = error;
  return -1;
}

// What any call that changes something may say.
int struck(bool writes) {
  Settings& all = settings();
  if (all.strikes(eintr)) return EINTR;
  if (all.strikes(eio)) return EIO;
  if (writes && all.strikes(enospc)) return ENOSPC;
  if (writes && all.strikes(edquot)) return EDQUOT;
  return 0;
}

int open_watched(const std::string& path, int flags, mode_t mode) {
  const std::scoped_lock hold(lock());
  const bool creates = (flags & O_CREAT) != 0;
  count();
  if (settings().strikes(emfile)) return failed<int>(EMFILE);
  if (const int error = struck(creates)) return failed<int>(error);
  const bool there = ::access(path.c_str(), F_OK) == 0;
  const int fd = FAULT_REAL(open)(path.c_str(), flags & ~O_TRUNC, mode);
  if (fd < 0) return fd;
  disk().opened(fd, path, creates && !there, (flags & O_DIRECTORY) != 0);
  if ((flags & O_TRUNC) != 0) disk().truncate(fd, 0);
  count();
  return fd;
}

int sync_watched(int fd) {
  ::usleep(static_cast<useconds_t>(settings().sync_us()));  // others see what is not safe yet
  const std::scoped_lock hold(lock());
  count();
  const bool folder = disk().is_folder(fd);
  if (settings().strikes(folder ? folder_sync : sync)) {
    if (!folder) disk().sync_failed(fd);
    return failed<int>(EIO);
  }
  disk().synced(fd);
  count();
  return 0;
}

bool watched(int fd) {
  const std::scoped_lock hold(lock());
  return disk().knows(fd);
}

ssize_t write_watched(int fd, const void* data, std::size_t size, off_t offset) {
  const std::scoped_lock hold(lock());
  count();
  if (const int error = struck(true)) return failed<ssize_t>(error);
  if (size > 1 && settings().strikes(short_write)) size = 1 + settings().random() % (size - 1);
  const ssize_t wrote = disk().write(fd, data, size, offset);
  count();
  return wrote;
}

int truncate_watched(int fd, off_t size) {
  const std::scoped_lock hold(lock());
  count();
  if (const int error = struck(false)) return failed<int>(error);
  const int done = disk().truncate(fd, size);
  count();
  return done;
}

// Two paths or one.
template <class Do>
int name_watched(bool writes, Do change) {
  const std::scoped_lock hold(lock());
  count();
  // rename, unlink and mkdir are not interrupted.
  const int error = struck(writes);
  if (error != 0 && error != EINTR) return failed<int>(error);
  const int done = change(disk());
  count();
  return done;
}

}  // namespace
}  // namespace fault

#define FAULT_EXPORT extern "C" __attribute__((visibility("default")))

FAULT_EXPORT int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    std::va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  const std::string full = fault::absolute(path);
  if (!fault::settings().watches(full)) return FAULT_REAL(open)(path, flags, mode);
  return fault::open_watched(full, flags, mode);
}
FAULT_EXPORT int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    std::va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return ::open(path, flags, mode);
}
FAULT_EXPORT int close(int fd) {
  {
    const std::scoped_lock hold(fault::lock());
    fault::disk().closed(fd);
  }
  return FAULT_REAL(close)(fd);
}
FAULT_EXPORT ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  if (!fault::watched(fd)) return FAULT_REAL(pwrite)(fd, data, size, offset);
  return fault::write_watched(fd, data, size, offset);
}
FAULT_EXPORT ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) {
  return ::pwrite(fd, data, size, offset);
}
FAULT_EXPORT int ftruncate(int fd, off_t size) noexcept {
  if (!fault::watched(fd)) return FAULT_REAL(ftruncate)(fd, size);
  return fault::truncate_watched(fd, size);
}
FAULT_EXPORT int ftruncate64(int fd, off_t size) noexcept {
  return ::ftruncate(fd, size);
}
FAULT_EXPORT int fdatasync(int fd) {
  return fault::watched(fd) ? fault::sync_watched(fd) : FAULT_REAL(fdatasync)(fd);
}
FAULT_EXPORT int fsync(int fd) {
  return fault::watched(fd) ? fault::sync_watched(fd) : FAULT_REAL(fsync)(fd);
}
FAULT_EXPORT int posix_fadvise(int fd, off_t from, off_t size, int advice) noexcept {
  if (advice == POSIX_FADV_DONTNEED && fault::watched(fd)) {
    const std::scoped_lock hold(fault::lock());
    fault::disk().cache_dropped(fd);
  }
  return FAULT_REAL(posix_fadvise)(fd, from, size, advice);
}
FAULT_EXPORT int posix_fadvise64(int fd, off_t from, off_t size, int advice) noexcept {
  return ::posix_fadvise(fd, from, size, advice);
}
FAULT_EXPORT int rename(const char* from, const char* to) noexcept {
  const std::string source = fault::absolute(from);
  if (!fault::settings().watches(source)) return FAULT_REAL(rename)(from, to);
  const std::string target = fault::absolute(to);
  return fault::name_watched(
      true, [&](fault::Disk& disk) { return disk.rename(source.c_str(), target.c_str()); });
}
FAULT_EXPORT int unlink(const char* path) noexcept {
  const std::string full = fault::absolute(path);
  if (!fault::settings().watches(full)) return FAULT_REAL(unlink)(path);
  return fault::name_watched(false, [&](fault::Disk& disk) { return disk.unlink(full.c_str()); });
}
FAULT_EXPORT int mkdir(const char* path, mode_t mode) noexcept {
  const std::string full = fault::absolute(path);
  if (!fault::settings().watches(full)) return FAULT_REAL(mkdir)(path, mode);
  return fault::name_watched(true,
                             [&](fault::Disk& disk) { return disk.mkdir(full.c_str(), mode); });
}
