#include "probe/service/syscall_filter.h"

#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>

namespace dpi {
namespace {

// By name: libseccomp leaves out what an architecture does not have.
constexpr const char* allowed[] = {
    // files and folders
    "access", "chmod", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2",
    "fadvise64", "fallocate", "fchmod", "fchmodat", "fcntl", "fdatasync", "flock", "fstat",
    "fstatfs", "fsync", "ftruncate", "getcwd", "getdents64", "ioctl", "link", "linkat", "lseek",
    "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2", "pipe2", "pread64",
    "preadv", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "rename",
    "renameat", "renameat2", "rmdir", "stat", "statfs", "statx", "sync_file_range", "truncate",
    "umask", "unlink", "unlinkat", "utimensat", "write", "writev", "copy_file_range",
    // waiting
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2", "poll",
    "ppoll", "pselect6", "select", "timerfd_create", "timerfd_settime",
    // sockets; which families, see below
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    "socketpair",
    // memory and threads
    "brk", "futex", "get_robust_list", "madvise", "membarrier", "mlock", "mmap", "mprotect",
    "mremap", "munlock", "munmap", "rseq", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "sched_setaffinity", "sched_yield", "set_robust_list", "set_tid_address",
    "getcpu",
    // time
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
    "adjtimex", "clock_adjtime",
    // signals and the end
    "exit", "exit_group", "gettid", "getpid", "getppid", "pause", "restart_syscall", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "sigaltstack", "signalfd4", "tgkill", "wait4",
    // who and where am I
    "capget", "getegid", "geteuid", "getgid", "getgroups", "getrandom", "getresgid", "getresuid",
    "getrlimit", "getrusage", "getuid", "prlimit64", "sysinfo", "uname", "prctl"};

// Memory, waiting for a bell, the clock, its own end, and what a broken invariant says before it.
constexpr const char* allowed_to_worker[] = {
    "brk",          "clock_gettime",  "exit",         "exit_group",   "futex",
    "getpid",       "getrandom",      "gettid",       "gettimeofday", "madvise",
    "mmap",         "mprotect",       "mremap",       "munmap",       "restart_syscall",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_yield",  "tgkill",
    "time",         "write",          "writev"};

// And processes; the rest is what a worker does before it confines itself.
constexpr const char* allowed_to_supervisor[] = {"capget",
                                                 "capset",
                                                 "clock_getres",
                                                 "clone",
                                                 "clone3",
                                                 "close",
                                                 "close_range",
                                                 "fork",
                                                 "getppid",
                                                 "get_robust_list",
                                                 "kill",
                                                 "landlock_create_ruleset",
                                                 "landlock_restrict_self",
                                                 "poll",
                                                 "ppoll",
                                                 "prctl",
                                                 "prlimit64",
                                                 "read",
                                                 "recvfrom",
                                                 "rseq",
                                                 "sched_getaffinity",
                                                 "sched_setaffinity",
                                                 "seccomp",
                                                 "sendto",
                                                 "set_robust_list",
                                                 "setrlimit",
                                                 "vfork",
                                                 "wait4",
                                                 "waitid"};

constexpr const char* fatal[] = {"execve",
                                 "execveat",
                                 "ptrace",
                                 "process_vm_readv",
                                 "process_vm_writev",
                                 "bpf",
                                 "kexec_load",
                                 "kexec_file_load",
                                 "init_module",
                                 "finit_module",
                                 "delete_module",
                                 "mount",
                                 "umount2",
                                 "pivot_root",
                                 "chroot",
                                 "setns",
                                 "unshare",
                                 "userfaultfd",
                                 "perf_event_open",
                                 "reboot",
                                 "swapon",
                                 "swapoff",
                                 "open_by_handle_at",
                                 "io_uring_setup",
                                 "setuid",
                                 "setgid",
                                 "setresuid",
                                 "setresgid",
                                 "setgroups"};

constexpr bool is_sanitizers([[maybe_unused]] int number) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  return number == SCMP_SYS(ptrace);
#else
  return false;
#endif
}

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

bool allow(scmp_filter_ctx filter, std::span<const char* const> names) {
  for (const char* const name : names) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) != 0) return false;
  }
  return true;
}

bool add_fatal(scmp_filter_ctx filter) {
  for (const char* const name : fatal) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || is_sanitizers(number)) continue;
    if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, number, 0) != 0) return false;
  }
  return true;
}

// A thread, never a process. clone3 hides its flags from the filter: told that it does not exist,
// the C library takes clone.
bool add_threads(scmp_filter_ctx filter) {
  const scmp_arg_cmp thread{
      .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = CLONE_THREAD};
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread) == 0 &&
         seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

// seccomp.h's macros for it are C99 only.
scmp_arg_cmp argument_is(unsigned argument, std::uint64_t value) {
  return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

// Unix and IP for libpq, routing messages (netlink(7), NETLINK_ROUTE) to follow the interfaces.
bool add_sockets(scmp_filter_ctx filter) {
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    const scmp_arg_cmp is = argument_is(0, static_cast<std::uint64_t>(family));
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, is) != 0) return false;
  }
  const scmp_arg_cmp netlink = argument_is(0, AF_NETLINK);
  const scmp_arg_cmp route = argument_is(2, NETLINK_ROUTE);
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, netlink, route) == 0;
}

// LeakSanitizer stops the process as a debugger does, from a process that it clones, and lists its
// threads by the older call. AddressSanitizer asks for the signal stack before what does not
// return. UBSan writes what it is about to read to a pipe, to see whether it can be read.
bool add_sanitizer(scmp_filter_ctx filter) {
#if defined(__SANITIZE_ADDRESS__)
  for (const int call :
       {SCMP_SYS(ptrace), SCMP_SYS(clone), SCMP_SYS(wait4), SCMP_SYS(kill), SCMP_SYS(getdents),
        SCMP_SYS(sigaltstack), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(read), SCMP_SYS(close)})
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) != 0) return false;
#else
  (void)filter;
#endif
  return true;
}

template <class AddRules>
Result<bool> restrict_to(AddRules add_rules) {
  if (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) return false;  // NOLINT(*-vararg)
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (!filter || !add_rules(filter.get()) || !add_fatal(filter.get()) ||
      !add_sanitizer(filter.get()))
    return fail(Errc::failure, "sandbox: seccomp: the filter could not be made");
  // Every thread that a library has started already, the EAL's two for instance.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (const int code = seccomp_load(filter.get()); code != 0) {
    if (code == -EINVAL) return false;  // CONFIG_SECCOMP_FILTER is off
    return fail(Errc::failure, std::string{"sandbox: seccomp: "} + std::strerror(-code));
  }
  return true;
}

}  // namespace

Result<bool> restrict_syscalls() {
  return restrict_to([](scmp_filter_ctx filter) {
    return allow(filter, allowed) && add_threads(filter) && add_sockets(filter);
  });
}

Result<bool> restrict_supervisor_syscalls() {
  return restrict_to([](scmp_filter_ctx filter) {
    return allow(filter, allowed_to_worker) && allow(filter, allowed_to_supervisor);
  });
}

Result<bool> restrict_worker_syscalls() {
  return restrict_to([](scmp_filter_ctx filter) { return allow(filter, allowed_to_worker); });
}

}  // namespace dpi
