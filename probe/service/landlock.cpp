#include "probe/service/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "probe/base/file_descriptor.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

// Of later kernels than Debian 12's headers.
constexpr std::uint64_t access_truncate = 1U << 14U;      // ABI 3
constexpr std::uint64_t access_ioctl_device = 1U << 15U;  // ABI 5
constexpr std::uint64_t access_bind_tcp = 1U << 0U;       // ABI 4, of the net set

struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;  // ABI 4
};

constexpr std::uint64_t read_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t file_access =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate;
constexpr std::uint64_t write_access = read_access | file_access | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                       LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                       LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER;

std::uint64_t handled_by(int abi) noexcept {
  std::uint64_t out = (1ULL << 13U) - 1;  // ABI 1: execute to make_sym
  if (abi >= 2) out |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) out |= access_truncate;
  if (abi >= 5) out |= access_ioctl_device;
  return out;
}

tl::unexpected<Error> failed(const std::string& what) {
  return fail(Errc::failure, "sandbox: Landlock: " + what + ": " + std::strerror(errno));
}

Result<void> allow(int ruleset, const fs::path& path, std::uint64_t access) {
  const FileDescriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));  // NOLINT(*-vararg)
  struct stat found {};
  if (place.get() < 0 || ::fstat(place.get(), &found) != 0) {
    if (errno == ENOENT || errno == EACCES || errno == ENOTDIR) return {};
    return failed(path.string());
  }
  if (!S_ISDIR(found.st_mode)) access &= file_access;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = place.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return failed(path.string());
  return {};
}

// A rule holds for all that is below its folder, so that around something hidden each entry of the
// folder gets its own.
Result<void> allow_around(int ruleset, const fs::path& path, std::uint64_t access,
                          const std::vector<fs::path>& hidden) {
  std::error_code none;
  const fs::path real = fs::canonical(path, none);
  if (none) return {};
  const auto inside = [&](const fs::path& h) { return is_in(h, real); };
  const bool itself = std::find(hidden.begin(), hidden.end(), real) != hidden.end();
  if (itself) return {};
  if (std::none_of(hidden.begin(), hidden.end(), inside)) return allow(ruleset, real, access);
  if (auto listed = allow(ruleset, real, LANDLOCK_ACCESS_FS_READ_DIR); !listed) return listed;
  for (const auto& entry : fs::directory_iterator(real, none)) {
    // A link's target has rules of its own, or none.
    if (entry.is_symlink(none)) continue;
    if (auto allowed = allow_around(ruleset, entry.path(), access, hidden); !allowed)
      return allowed;
  }
  return {};
}

Result<void> add_rules(int ruleset, const FileRights& rights, std::uint64_t handled) {
  std::vector<fs::path> hidden;
  for (const fs::path& path : rights.hidden) {
    std::error_code none;
    hidden.push_back(fs::weakly_canonical(path, none));
  }
  for (const fs::path& path : rights.readable) {
    if (auto allowed = allow_around(ruleset, path, read_access & handled, hidden); !allowed)
      return allowed;
  }
  for (const fs::path& path : rights.writable) {
    if (auto allowed = allow(ruleset, path, write_access & handled); !allowed) return allowed;
  }
  return allow(ruleset, "/dev/null", file_access & handled);
}

}  // namespace

bool is_in(const fs::path& path, const fs::path& folder) {
  return std::mismatch(path.begin(), path.end(), folder.begin(), folder.end()).second ==
         folder.end();
}

Result<int> restrict_files(const FileRights& rights) {
  const auto abi = static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
  if (abi < 1) return 0;
  const std::uint64_t handled = handled_by(abi);
  const RulesetAttributes attributes{.handled_access_fs = handled,
                                     .handled_access_net = access_bind_tcp};
  const std::size_t bytes = abi >= 4 ? sizeof(attributes) : sizeof(attributes.handled_access_fs);
  const FileDescriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, bytes, 0)));
  if (ruleset.get() < 0) return failed("no ruleset");
  if (auto added = add_rules(ruleset.get(), rights, handled); !added)
    return tl::unexpected(added.error());
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return failed("restrict");
  return abi;
}

}  // namespace dpi
