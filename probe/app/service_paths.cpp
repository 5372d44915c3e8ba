#include "probe/app/service_paths.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "probe/app/output_kind.h"
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

// The sandbox lets only what is there be written.
Result<void> make_written(const fs::path& path, OutputKind kind) {
  if (kind == OutputKind::csv) {
    std::error_code error;
    fs::create_directories(path, error);
    if (!error) return {};
    return fail(Errc::sink, fmt::format("{}: cannot be made: {}", path.string(), error.message()));
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);  // NOLINT(*-vararg)
  if (fd < 0) {
    return fail(Errc::sink, fmt::format("{}: cannot be written; give a path whose folder exists",
                                        path.string()));
  }
  ::close(fd);
  return {};
}

// What is moved away is made anew at SIGHUP: then its folder is what lasts, unless the key is
// there.
fs::path rotated_in(const fs::path& path, OutputKind kind, const fs::path& key) {
  std::error_code error;
  const fs::path folder = fs::absolute(path, error).parent_path();
  const bool special = fs::exists(path, error) && !fs::is_regular_file(path, error);
  if (kind == OutputKind::csv || special || folder == folder.root_path()) return path;
  if (!is_in(fs::absolute(key, error), folder)) return folder;
  log_state({.level = LogLevel::warning,
             .event = "reopen_limited",
             .message = fmt::format("{} lies in the folder of the key: it cannot be made anew at "
                                    "SIGHUP when it was moved away; give it a folder of its own",
                                    path.string())});
  return path;
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
    const auto parsed = parse_output(output, OutputUse::live);
    if (!parsed) return tl::unexpected(parsed.error());
    if (parsed->receiver)
      for (const std::string& file : parsed->receiver->files()) out.readable.emplace_back(file);
    const auto path = written_path(*parsed);
    if (!path) continue;
    if (auto made = make_written(*path, parsed->kind); !made) return tl::unexpected(made.error());
    out.writable.push_back(rotated_in(*path, parsed->kind, key));
  }
  if (!options.dpdk.empty() || !config.capture_dpdk.empty()) add_dpdk_folders(out.writable);
  return out;
}

}  // namespace dpi
