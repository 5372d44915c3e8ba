#include "probe/service/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace dpi {
namespace {

namespace fs = std::filesystem;

// What became of a child that went into the sandbox and tried something.
struct Outcome {
  bool killed = false;  // by SIGSYS
  int errno_seen = -1;  // 0: it was allowed
  bool skipped = false;
};

constexpr int no_sandbox = 250;

class Sandbox : public testing::Test {
 protected:
  Sandbox() : folder_(fs::temp_directory_path() / ("dpi-sandbox-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_ / "spool");
    fs::create_directories(folder_ / "etc");
    std::ofstream(folder_ / "etc/dpi.toml") << "x";
    std::ofstream(folder_ / "etc/key.pem") << "secret";
    std::ofstream(folder_ / "other") << "x";
  }
  ~Sandbox() override { fs::remove_all(folder_); }

  // `attempt` gives 0 or its errno.
  Outcome inside(const std::function<int()>& attempt) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto report = enter_sandbox({.readable = {folder_ / "etc"},
                                         .writable = {folder_ / "spool"},
                                         .hidden = {folder_ / "etc/key.pem"}});
      if (!report || !report->missing.empty()) ::_exit(no_sandbox);
      ::_exit(attempt());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    Outcome out;
    out.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    if (WIFEXITED(status)) out.errno_seen = WEXITSTATUS(status);
    out.skipped = out.errno_seen == no_sandbox;
    return out;
  }
  // As a system call's result.
  static int result(long value) { return value < 0 ? errno : 0; }
  int open_file(const char* name, int flags) const {
    const int fd = ::open((folder_ / name).c_str(), flags, 0600);  // NOLINT(*-vararg)
    return result(fd);
  }

  fs::path folder_;
};

#define SKIP_WITHOUT_SANDBOX(outcome) \
  if ((outcome).skipped) GTEST_SKIP() << "this kernel has no Landlock or no seccomp filters"

TEST_F(Sandbox, TheSpoolCanBeWrittenReadAndCleared) {
  const Outcome outcome = inside([this] {
    if (const int code = open_file("spool/new", O_CREAT | O_RDWR)) return code;
    if (::rename((folder_ / "spool/new").c_str(), (folder_ / "spool/done").c_str()) != 0)
      return errno;
    if (::truncate((folder_ / "spool/done").c_str(), 0) != 0) return errno;
    return result(::unlink((folder_ / "spool/done").c_str()));
  });
  SKIP_WITHOUT_SANDBOX(outcome);
  EXPECT_EQ(outcome.errno_seen, 0);
}

TEST_F(Sandbox, ThreadsCanBeStartedAndTheDatabaseReached) {
  const Outcome outcome = inside([] {
    std::thread([] {}).join();
    for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
      const int fd = ::socket(family, SOCK_STREAM, 0);
      if (fd < 0 && errno != EAFNOSUPPORT) return errno;
    }
    return result(::socket(AF_NETLINK, SOCK_RAW, 0));
  });
  SKIP_WITHOUT_SANDBOX(outcome);
  EXPECT_EQ(outcome.errno_seen, 0);
}

TEST_F(Sandbox, TheConfigurationIsReadableAndNothingElseOfTheFolderIsMade) {
  const Outcome outcome = inside([this] {
    if (const int code = open_file("etc/dpi.toml", O_RDONLY)) return code;
    return open_file("etc/dpi.toml", O_WRONLY) == EACCES ? 0 : 1;
  });
  SKIP_WITHOUT_SANDBOX(outcome);
  EXPECT_EQ(outcome.errno_seen, 0);
}

struct Forbidden {
  const char* name;
  std::function<long(const fs::path&)> attempt;
  int errno_wanted;
};

TEST_F(Sandbox, TheKeyAndOtherFilesAreOutOfReach) {
  const Forbidden files[] = {
      {"read the key",
       [](const fs::path& f) { return ::open((f / "etc/key.pem").c_str(), O_RDONLY); }, EACCES},
      {"read the key by way of /proc",
       [](const fs::path& f) {
         return ::open(("/proc/self/root" + (f / "etc/key.pem").string()).c_str(), O_RDONLY);
       },
       EACCES},
      {"read another file",
       [](const fs::path& f) { return ::open((f / "other").c_str(), O_RDONLY); }, EACCES},
      {"make a file",
       [](const fs::path& f) { return ::open((f / "made").c_str(), O_CREAT | O_WRONLY, 0600); },
       EACCES},
      {"remove a file", [](const fs::path& f) { return ::unlink((f / "other").c_str()); }, EACCES},
      {"move a file into the spool",
       [](const fs::path& f) { return ::rename((f / "other").c_str(), (f / "spool/x").c_str()); },
       EACCES},
      {"link the key into the spool",
       [](const fs::path& f) {
         return ::link((f / "etc/key.pem").c_str(), (f / "spool/x").c_str());
       },
       EXDEV},
      {"make a device",
       [](const fs::path& f) { return ::mknod((f / "spool/dev").c_str(), S_IFCHR | 0600, 0x103); },
       EPERM},
      {"write to a disk", [](const fs::path&) { return ::open("/dev/sda", O_WRONLY); }, EACCES},
      {"read the home of root",
       [](const fs::path&) { return ::open("/root", O_RDONLY | O_DIRECTORY); }, EACCES},
  };
  for (const Forbidden& f : files) {
    const Outcome outcome = inside([&] { return result(f.attempt(folder_)); });
    SKIP_WITHOUT_SANDBOX(outcome);
    const bool absent = outcome.errno_seen == ENOENT && std::string{f.name} == "write to a disk";
    EXPECT_TRUE(absent || outcome.errno_seen == f.errno_wanted)
        << f.name << ": errno " << outcome.errno_seen;
  }
}

TEST_F(Sandbox, CallsThatNothingNeedsAreRefused) {
  const Forbidden calls[] = {
      {"a packet socket", [](const fs::path&) { return ::socket(AF_PACKET, SOCK_RAW, 0); }, EPERM},
      {"a raw socket", [](const fs::path&) { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); },
       EPERM},
      {"netfilter", [](const fs::path&) { return ::socket(AF_NETLINK, SOCK_RAW, 12); }, EPERM},
      {"a vsock", [](const fs::path&) { return ::socket(AF_VSOCK, SOCK_STREAM, 0); }, EPERM},
      {"set the host's name", [](const fs::path&) { return ::syscall(SYS_sethostname, "x", 1); },
       EPERM},
      {"set the clock",
       [](const fs::path&) { return ::syscall(SYS_settimeofday, nullptr, nullptr); }, EPERM},
      {"keys of the kernel", [](const fs::path&) { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); },
       EPERM},
      {"kill others", [](const fs::path&) { return ::syscall(SYS_tkill, 1, SIGKILL); }, EPERM},
      {"a higher priority", [](const fs::path&) { return ::syscall(SYS_setpriority, 0, 0, -10); },
       EPERM},
      {"a process", [](const fs::path&) { return ::syscall(SYS_fork); }, EPERM},
      {"watch files", [](const fs::path&) { return ::syscall(SYS_fanotify_init, 0, 0); }, EPERM},
      {"memory of a file elsewhere",
       [](const fs::path&) { return ::syscall(SYS_memfd_create, "x", 0); }, EPERM},
  };
  for (const Forbidden& f : calls) {
    const Outcome outcome = inside([&] { return result(f.attempt(folder_)); });
    SKIP_WITHOUT_SANDBOX(outcome);
    EXPECT_FALSE(outcome.killed) << f.name;
    EXPECT_EQ(outcome.errno_seen, f.errno_wanted) << f.name;
  }
}

TEST_F(Sandbox, CallsOfAnIntruderEndTheProcess) {
  const Forbidden calls[] = {
    {"execve", [](const fs::path&) { return ::execl("/bin/true", "true", nullptr); }, 0},
    {"execveat",
     [](const fs::path&) {
       return ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", nullptr, nullptr, 0);
     },
     0},
#if !defined(__SANITIZE_ADDRESS__)
    {"ptrace",
     [](const fs::path&) { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }, 0},
#endif
    {"process_vm_readv",
     [](const fs::path&) {
       return ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0);
     },
     0},
    {"bpf", [](const fs::path&) { return ::syscall(SYS_bpf, 0, nullptr, 0); }, 0},
    {"mount", [](const fs::path&) { return ::mount("none", "/", "tmpfs", 0, nullptr); }, 0},
    {"unshare", [](const fs::path&) { return ::syscall(SYS_unshare, 0x10000000); }, 0},
    {"setns", [](const fs::path&) { return ::syscall(SYS_setns, 0, 0); }, 0},
    {"init_module", [](const fs::path&) { return ::syscall(SYS_init_module, nullptr, 0, ""); }, 0},
    {"perf_event_open",
     [](const fs::path&) { return ::syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0); }, 0},
    {"io_uring", [](const fs::path&) { return ::syscall(SYS_io_uring_setup, 1, nullptr); }, 0},
    {"userfaultfd", [](const fs::path&) { return ::syscall(SYS_userfaultfd, 0); }, 0},
    {"setuid", [](const fs::path&) { return ::syscall(SYS_setuid, 0); }, 0},
  };
  for (const Forbidden& f : calls) {
    const Outcome outcome = inside([&] { return result(f.attempt(folder_)); });
    SKIP_WITHOUT_SANDBOX(outcome);
    EXPECT_TRUE(outcome.killed) << f.name << ": errno " << outcome.errno_seen;
  }
}

TEST_F(Sandbox, NoCapabilityIsLeftAndNoneCanBeGained) {
  const Outcome outcome = inside([] {
    std::ifstream status("/proc/thread-self/status");
    int zero = 0;
    bool no_new_privileges = false;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("CapPrm:") || line.starts_with("CapEff:") ||
          line.starts_with("CapInh:") || line.starts_with("CapAmb:"))
        zero += line.ends_with("\t0000000000000000") ? 1 : 0;
      if (line == "NoNewPrivs:\t1") no_new_privileges = true;
    }
    return zero == 4 && no_new_privileges ? 0 : 1;
  });
  SKIP_WITHOUT_SANDBOX(outcome);
  EXPECT_EQ(outcome.errno_seen, 0);
}

TEST_F(Sandbox, NoCoreWithTheKeyIsWritten) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the leak check reads the process";
#endif
  const Outcome outcome = inside([] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); });
  SKIP_WITHOUT_SANDBOX(outcome);
  EXPECT_EQ(outcome.errno_seen, 0);
}

}  // namespace
}  // namespace dpi
