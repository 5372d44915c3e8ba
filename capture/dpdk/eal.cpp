#include "capture/dpdk/eal.h"

#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string_view>

namespace dpi {
namespace {

// rte_eal_init pins the calling thread, and every thread made later inherits that.
class AffinityGuard {
 public:
  AffinityGuard() { pthread_getaffinity_np(pthread_self(), sizeof cpus_, &cpus_); }
  AffinityGuard(const AffinityGuard&) = delete;
  AffinityGuard& operator=(const AffinityGuard&) = delete;
  ~AffinityGuard() { pthread_setaffinity_np(pthread_self(), sizeof cpus_, &cpus_); }

  int first_cpu() const {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &cpus_)) return cpu;
    return 0;
  }

 private:
  cpu_set_t cpus_{};
};

bool given(const dpi_dpdk_options& options, std::initializer_list<std::string_view> names) {
  for (std::uint32_t i = 0; i < options.eal_argument_count; ++i) {
    const std::string_view argument = options.eal_arguments[i];
    for (const std::string_view name : names)
      if (argument == name || argument.starts_with(std::string{name} + "=")) return true;
  }
  return false;
}

// What the user says comes last and wins.
std::vector<std::string> arguments_of(const dpi_dpdk_options& options, int cpu) {
  std::vector<std::string> arguments{"ransomeye-dpi", "--no-telemetry"};
  if (options.huge_pages == 0) {
    // --in-memory would be refused together with --no-huge; without shared configuration several
    // processes do not meet.
    for (const char* a : {"--no-huge", "--no-shconf", "--no-pci", "--iova-mode=va", "-m"})
      arguments.emplace_back(a);
    arguments.push_back(std::to_string(options.memory_mib));
  } else {
    arguments.emplace_back("--in-memory");
  }
  // The probe has its own threads; DPDK would make one for every CPU.
  if (!given(options, {"-l", "-c", "--lcores"})) {
    arguments.emplace_back("-l");
    arguments.push_back(std::to_string(cpu));
  }
  for (std::uint32_t i = 0; i < options.eal_argument_count; ++i)
    arguments.emplace_back(options.eal_arguments[i]);
  return arguments;
}

std::string remedy_for(int error, const std::string& said) {
  const auto says = [&said](std::string_view what) { return said.find(what) != std::string::npos; };
  if (says("hugepage") || says("memory"))
    return "; reserve huge pages (docs/operations.md, DPDK) or run without them (huge_pages = "
           "false)";
  if (says("another primary process"))
    return "; another DPDK program runs here: give one of them its own --file-prefix";
  if (error == EACCES || error == EPERM)
    return "; give the user /dev/vfio and huge pages (docs/operations.md, DPDK)";
  return "; check the EAL arguments";
}

}  // namespace

OutputCapture::OutputCapture() : file_(::memfd_create("dpdk-output", MFD_CLOEXEC)) {
  if (file_ < 0) return;
  std::fflush(stdout);
  std::fflush(stderr);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    saved_[fd - STDOUT_FILENO] = ::dup(fd);
    ::dup2(file_, fd);
  }
}

OutputCapture::~OutputCapture() {
  finish();
}

std::string OutputCapture::finish() {
  if (file_ < 0) return {};
  std::fflush(stdout);
  std::fflush(stderr);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    int& saved = saved_[fd - STDOUT_FILENO];
    if (saved < 0) {
      ::close(fd);  // it was closed before
    } else {
      ::dup2(saved, fd);
      ::close(saved);
    }
  }
  constexpr std::size_t bytes_max = 16U << 10U;
  std::string text(bytes_max, '\0');
  const ssize_t n = ::pread(file_, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  ::close(file_);
  file_ = -1;
  return text;
}

std::vector<std::string> telling_lines(const std::string& output) {
  constexpr std::size_t lines_max = 6;
  std::vector<std::string> lines;
  std::istringstream in{output};
  for (std::string line; std::getline(in, line);) {
    if (line.find("Usage:") != std::string::npos) break;
    const auto has = [&line](std::string_view what) {
      return line.find(what) != std::string::npos;
    };
    if (line.empty() || has("Detected ") || has("Selected IOVA") || has("Multi-process socket") ||
        has("VFIO support initialized") || has("TELEMETRY") ||
        has("Physical addresses are unavailable"))
      continue;
    if (lines.size() == lines_max) lines.erase(lines.begin());
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string start_eal(const dpi_dpdk_options& options, std::vector<std::string>& notes) {
  const AffinityGuard affinity;
  std::vector<std::string> arguments = arguments_of(options, affinity.first_cpu());
  std::vector<char*> argv;  // rte_eal_init permutes it
  for (std::string& argument : arguments) argv.push_back(argument.data());
  const int count = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  OutputCapture capture;
  rte_errno = 0;
  const int started = rte_eal_init(count, argv.data());
  const int error = rte_errno;
  notes = telling_lines(capture.finish());
  if (started >= 0) return {};
  std::string said;
  for (const std::string& line : notes) said += (said.empty() ? "" : " / ") + line;
  // Some failures leave rte_errno at 0.
  return "DPDK does not start" + (error != 0 ? std::string{": "} + rte_strerror(error) : "") +
         (said.empty() ? "" : " (" + said + ")") + remedy_for(error, said);
}

}  // namespace dpi
