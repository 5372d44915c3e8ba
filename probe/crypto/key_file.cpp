#include "probe/crypto/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "probe/base/file_descriptor.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> cannot(const fs::path& path, const char* what) {
  return fail(Errc::usage,
              fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(errno)));
}

// One change at a time. The lock is on the file that has the name now: whoever waited for another
// one that has been replaced meanwhile is told to try again.
Result<FileDescriptor> lock(const fs::path& path) {
  FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file) return cannot(path, "open the key");
  struct stat locked {};
  struct stat named {};
  const bool mine = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
                    ::fstat(file.get(), &locked) == 0 && ::lstat(path.c_str(), &named) == 0 &&
                    locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
  if (mine) return file;
  return fail(Errc::usage, fmt::format("{}: another program is changing this key file; try again",
                                       path.string()));
}

// All of the new content or all of the old: whatever is interrupted.
Result<void> replace(const fs::path& path, const std::vector<const SigningKey*>& keys) {
  const fs::path fresh = path.string() + ".new";
  ::unlink(fresh.c_str());  // of a change that was interrupted: nothing was signed with it
  {
    const FileDescriptor file{
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400)};
    if (!file) return cannot(fresh, "create the file");
    bool written = true;
    for (const SigningKey* const key : keys) written = written && key->write(file.get());
    if (!written || ::fsync(file.get()) != 0) {
      auto failed = cannot(fresh, "write the keys");
      ::unlink(fresh.c_str());
      return failed;
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    auto failed = cannot(path, "replace the key file");
    ::unlink(fresh.c_str());
    return failed;
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path{"."};
  const FileDescriptor entry{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!entry || ::fsync(entry.get()) != 0) return cannot(folder, "make the new key durable");
  return {};
}

}  // namespace

Result<PublicKey> add_next_key(const fs::path& path) {
  const auto locked = lock(path);
  if (!locked) return tl::unexpected(locked.error());
  const auto keys = SigningKey::read_all(path);
  if (!keys) return tl::unexpected(keys.error());
  if (keys->size() > 1) {
    return fail(Errc::usage,
                fmt::format("{}: a rotation to key {} is under way: restart the sensor, then "
                            "`ransomeye-dpi keys rotate {} --finish SPOOL`",
                            path.string(), hex(keys->back().public_key().key_id()), path.string()));
  }
  const SigningKey next = SigningKey::random();
  if (auto replaced = replace(path, {&keys->front(), &next}); !replaced)
    return tl::unexpected(replaced.error());
  return next.public_key();
}

Result<void> drop_replaced_key(const fs::path& path, const PublicKey& stays) {
  const auto locked = lock(path);
  if (!locked) return tl::unexpected(locked.error());
  const auto keys = SigningKey::read_all(path);
  if (!keys) return tl::unexpected(keys.error());
  if (keys->back().public_key().raw() != stays.raw()) {
    return fail(Errc::usage,
                fmt::format("{}: holds another key than a moment ago; look again", path.string()));
  }
  if (keys->size() == 1) return {};
  return replace(path, {&keys->back()});
}

}  // namespace dpi
