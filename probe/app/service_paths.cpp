#include "probe/app/service_paths.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "probe/app/outputs.h"
#include "probe/service/landlock.h"
#include "probe/service/log.h"
#include "probe/spool/spool_folder.h"
#include "probe/store/conninfo.h"
#include "probe/store/libpq_files.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

void add(std::vector<fs::path>& out, const std::vector<fs::path>& more) {
  out.insert(out.end(), more.begin(), more.end());
}

// Where the EAL keeps what it deletes at the end (DPDK, Linux EAL parameters).
void add_dpdk_folders(std::vector<fs::path>& out) {
  if (const char* const run = std::getenv("XDG_RUNTIME_DIR"); run != nullptr && *run == '/')
    out.push_back(fs::path{run} / "dpdk");
  for (const char* const path : {"/var/run/dpdk", "/tmp/dpdk", "/dev/hugepages"})
    out.emplace_back(path);
}

}  // namespace

Result<fs::path> quarantine_folder(const Config& config) {
  if (!config.workers_quarantine_dir.empty()) return fs::path{config.workers_quarantine_dir};
  auto spool = spool_root(config);
  if (!spool) return tl::unexpected(spool.error());
  return *spool / "worker-crashes";
}

Result<SandboxSettings> sandbox_settings(const Config& config, const RunOptions& options,
                                         const fs::path& key) {
  const auto spool = spool_root(config);
  if (!spool) return tl::unexpected(spool.error());
  if (auto made = create_folders(posix_storage(), *spool); !made)
    return tl::unexpected(made.error());
  std::error_code error;
  SandboxSettings out;
  out.hidden.push_back(key);
  out.writable.push_back(*spool);
  const auto quarantine = quarantine_folder(config);
  if (!quarantine) return tl::unexpected(quarantine.error());
  fs::create_directories(*quarantine, error);  // that it cannot be written is said when it matters
  out.writable.push_back(*quarantine);
  add(out.readable, libpq_files(config.database_conninfo));
  // An editor replaces the file that is read again at SIGHUP: its folder is what lasts.
  if (!options.config_path.empty()) {
    const fs::path folder = fs::absolute(options.config_path, error).parent_path();
    out.readable.push_back(folder);
    if (is_in(fs::absolute(key, error), folder)) {
      log_state(
          {.level = LogLevel::warning,
           .event = "reload_limited",
           .message = fmt::format(
               "{} holds the configuration and, below it, the key: a configuration that is "
               "replaced cannot be read at SIGHUP; keep the key in a folder of its own, not below",
               folder.string())});
    }
  }
  for (const std::string& output : options.outputs) {
    if (names_postgres(output)) add(out.readable, libpq_files(conninfo_of(output)));
    if (!output.starts_with("jsonl:") || output == "jsonl:-") continue;
    const fs::path path = output.substr(6);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);  // NOLINT(*-vararg)
    if (fd < 0) {
      return fail(Errc::sink, fmt::format("{}: cannot be written; give a path whose folder exists",
                                          path.string()));
    }
    ::close(fd);
    out.writable.push_back(path);
  }
  if (!options.dpdk.empty() || !config.capture_dpdk.empty()) add_dpdk_folders(out.writable);
  return out;
}

}  // namespace dpi
