#include "probe/service/sandbox.h"

#include <array>

#include "probe/service/landlock.h"
#include "probe/service/privileges.h"
#include "probe/service/syscall_filter.h"

namespace dpi {
namespace {

// Where resolver, certificates, time zones and the kernel tell what the probe asks them. The links
// of /etc/resolv.conf point into /run.
constexpr std::array library_folders{"/etc",
                                     "/usr",
                                     "/proc",
                                     "/sys",
                                     "/dev/urandom",
                                     "/run/systemd/resolve",
                                     "/run/resolvconf",
                                     "/run/NetworkManager"};

}  // namespace

Result<SandboxReport> enter_sandbox(const SandboxSettings& settings) {
  SandboxReport report;
  if (auto dropped = drop_privileges(); !dropped) return tl::unexpected(dropped.error());
  FileRights files{
      .readable = settings.readable, .writable = settings.writable, .hidden = settings.hidden};
  files.readable.insert(files.readable.end(), library_folders.begin(), library_folders.end());
  const auto landlock = restrict_files(files);
  if (!landlock) return tl::unexpected(landlock.error());
  report.landlock_abi = *landlock;
  if (*landlock == 0)
    report.missing.emplace_back(
        "this kernel has no Landlock: files are guarded by their permissions only");
  const auto filtered = restrict_syscalls();
  if (!filtered) return tl::unexpected(filtered.error());
  if (!*filtered)
    report.missing.emplace_back("this kernel has no seccomp filters: system calls are not");
  return report;
}

}  // namespace dpi
