// seccomp: which system calls this process may still make, every thread of it.
#pragma once

#include "probe/base/result.h"

namespace dpi {

// Calls that only an intruder needs (run a program, look into another process, mount, load code
// into the kernel) end the process with SIGSYS. Others that are not of the list, and sockets of
// other families than Unix, IP and routing, fail with EPERM: what a library tries in vain is no
// reason to lose a sensor. Needs no_new_privs. False: this kernel has no seccomp filters.
[[nodiscard]] Result<bool> restrict_syscalls();
// What the supervisor of the workers needs, and what a worker needs.
[[nodiscard]] Result<bool> restrict_supervisor_syscalls();
[[nodiscard]] Result<bool> restrict_worker_syscalls();

}  // namespace dpi
