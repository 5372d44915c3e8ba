#include "probe/service/worker_sandbox.h"

#include "probe/service/landlock.h"
#include "probe/service/privileges.h"
#include "probe/service/syscall_filter.h"

namespace dpi {

Result<void> confine_supervisor() {
  if (auto dropped = drop_privileges(); !dropped) return dropped;
  if (const auto files = restrict_files({}); !files) return tl::unexpected(files.error());
  if (const auto calls = restrict_supervisor_syscalls(); !calls)
    return tl::unexpected(calls.error());
  return {};
}

Result<void> confine_worker() {
  if (const auto calls = restrict_worker_syscalls(); !calls) return tl::unexpected(calls.error());
  return {};
}

}  // namespace dpi
