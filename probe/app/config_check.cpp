#include "probe/app/config_check.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>

#include "capture/interface/link_type.h"
#include "capture/interface/link_watcher.h"
#include "probe/app/config_check_database.h"
#include "probe/app/machine.h"
#include "probe/app/memory_budget.h"
#include "probe/app/output_kind.h"
#include "probe/app/outputs.h"
#include "probe/app/report.h"
#include "probe/base/file_descriptor.h"
#include "probe/crypto/signing_key.h"
#include "probe/service/metrics_server.h"
#include "probe/store/conninfo.h"
#include "probe/store/receiver_connection.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

ConfigFinding fine(std::string topic, std::string what) {
  return {ConfigState::fine, std::move(topic), std::move(what), ""};
}
ConfigFinding error(std::string topic, std::string what, std::string remedy) {
  return {ConfigState::error, std::move(topic), std::move(what), std::move(remedy)};
}
ConfigFinding warning(std::string topic, std::string what, std::string remedy) {
  return {ConfigState::warning, std::move(topic), std::move(what), std::move(remedy)};
}

class DeepCheck {
 public:
  DeepCheck(const Config& config, const DeepCheckOptions& options)
      : config_(config), options_(options) {}

  std::vector<ConfigFinding> run() {
    identity();
    key();
    sources();
    if (!options_.reload) rights();
    interval();
    processors();
    memory();
    metrics();
    disk();
    outputs();
    database();
    return std::move(found_);
  }

 private:
  void add(ConfigFinding finding) { found_.push_back(std::move(finding)); }

  void identity() {
    if (config_.probe_instance.empty()) {
      add(error("probe.instance", "is not set",
                "`ransomeye-dpi keys enrol` registers this probe and prints it"));
    } else {
      add(fine("probe.instance", config_.probe_instance));
    }
    if (const auto machine = this_machine(); machine) {
      add(fine("machine", machine->hostname));
    } else {
      add(error("machine", machine.error().what, "systemd-machine-id-setup makes /etc/machine-id"));
    }
  }

  void key() {
    const std::string& path = options_.key.empty() ? config_.signing_key : options_.key;
    if (path.empty()) {
      if (!options_.reload) {
        add(error("signing.key", "is not set",
                  "`ransomeye-dpi keys generate FILE` makes one; `run --key FILE` names it too"));
      }
      return;
    }
    const auto keys = SigningKey::read_all(path);
    if (!keys) {
      add(error("signing.key", keys.error().what, "only the user that runs the probe may read it"));
      return;
    }
    const std::string newest = hex(keys->back().public_key().key_id()).substr(0, 16);
    if (keys->size() == 1) {
      add(fine("signing.key", "key " + newest));
    } else {
      add(warning("signing.key", "a rotation to key " + newest + " is under way",
                  "behind its next start: `ransomeye-dpi keys rotate FILE --finish SPOOL`"));
    }
  }

  void sources() {
    const auto interfaces =
        options_.interfaces.empty() ? words(config_.capture_interfaces) : options_.interfaces;
    if (interfaces.empty() && config_.capture_dpdk.empty()) {
      add(error("capture.interfaces", "nothing to capture from",
                "`ransomeye-dpi interfaces` lists what there is"));
    }
    for (const std::string& name : interfaces) {
      const auto link = find_link(name);
      if (!link) {
        add(error("capture.interfaces", link.error().what,
                  "`ransomeye-dpi interfaces` lists what there is"));
      } else if (!link_type_of(link->hardware)) {
        add(error("capture.interfaces", name + ": its frames are of a kind that is not decoded",
                  "`ransomeye-dpi interfaces` says which can be captured from"));
      } else if (!link->up) {
        add(warning("capture.interfaces", name + ": is down",
                    fmt::format("`ip link set {} up`; the probe waits for it", name)));
      } else {
        add(fine("capture.interfaces", name + ": is there and up"));
      }
    }
    if (!config_.capture_filter.empty()) add(fine("capture.filter", config_.capture_filter));
  }

  void rights() {
    if (options_.interfaces.empty() && config_.capture_interfaces.empty()) return;
    const FileDescriptor socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
    if (socket) {
      add(fine("rights", "packet sockets may be opened"));
    } else {
      add(error("rights", fmt::format("no packet socket: {}", std::strerror(errno)),
                "run as root or with CAP_NET_RAW, as the unit does"));
    }
  }

  // re_view.probe_status: stale behind 30 s, silent after 60 s without an event.
  void interval() {
    constexpr std::uint64_t stale_s = 30;
    const std::string what = fmt::format("{} s", config_.heartbeat_interval_s);
    if (config_.heartbeat_interval_s * 3 > stale_s) {
      add(warning("heartbeat.interval_s", what + ": on a silent link the probe shows as silent",
                  "10 or less: a probe is stale behind 30 s and silent after 60 s"));
    } else {
      add(fine("heartbeat.interval_s", what));
    }
  }

  void processors() {
    const unsigned there = std::max(1U, std::thread::hardware_concurrency());
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    const bool known = ::sched_getaffinity(0, sizeof(allowed), &allowed) == 0;
    for (const int cpu : config_.worker_cpus()) {
      if (known && (cpu >= CPU_SETSIZE || !CPU_ISSET(static_cast<unsigned>(cpu), &allowed))) {
        add(error("workers.cpus", fmt::format("processor {} is not there or not allowed", cpu),
                  "`nproc` counts them, CPUAffinity= and cgroups restrict them"));
      }
    }
    if (config_.workers_count > there) {
      add(warning("workers.count",
                  fmt::format("{} workers on {} processors", config_.workers_count, there),
                  "more than there are processors makes nothing faster"));
    } else {
      add(fine("workers.count", fmt::format("{} of {} processors", config_.workers_count, there)));
    }
  }

  void memory() {
    MemoryShape shape = memory_shape(config_);
    if (!options_.interfaces.empty()) {
      shape.rings = options_.interfaces.size() * config_.capture_sockets;
      shape.fronts = shape.rings;
    }
    const MemoryBudget budget{config_, shape};
    const std::uint64_t bytes = budget.bytes();
    const std::string what =
        fmt::format("{} of {} MiB: {}", bytes >> 20U, config_.limits_memory_mib, budget.text());
    const auto group = control_group_memory_max();
    if (!budget.check()) {
      add(error("limits.memory_mib", what, "raise it, or lower what is in it"));
    } else if (group && *group < config_.limits_memory_mib << 20U) {
      add(warning("limits.memory_mib",
                  fmt::format("{}; this unit may have {}", what, *group >> 20U),
                  "MemoryMax= of the unit stands above it: raise that, or lower this"));
    } else {
      add(fine("limits.memory_mib", what));
    }
    if (budget.work_batches() < config_.workers_batches) {
      add(warning("workers.batches", fmt::format("{}, for so many is room", budget.work_batches()),
                  "more memory, or fewer workers, bridge longer bursts"));
    }
  }

  void metrics() {
    const std::string& address = config_.service_metrics;
    if (address.empty()) return;
    if (address.front() == '/') {
      const fs::path folder = fs::path{address}.parent_path();
      if (::access(folder.c_str(), W_OK | X_OK) == 0) {
        add(fine("service.metrics", address));
      } else {
        add(warning(
            "service.metrics", fmt::format("{}: {}", folder.string(), std::strerror(errno)),
            "the probe would run without metrics: make the folder, with its user's rights"));
      }
      return;
    }
    const auto socket = ListeningSocket::open(address);
    if (socket || options_.reload) {
      add(fine("service.metrics", address));
    } else {
      add(warning("service.metrics", socket.error().what,
                  "one address a probe; the second one would run without metrics"));
    }
  }

  void disk() {
    const auto root = spool_root(config_);
    if (!root) {
      add(error("spool.dir", root.error().what, "set spool.dir"));
      return;
    }
    // It may not be there yet; what counts is the folder that it will be made in.
    fs::path there = *root;
    std::error_code ignored;
    while (!fs::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
    if (::access(there.c_str(), W_OK | X_OK) != 0) {
      add(error("spool.dir", fmt::format("{}: {}", there.string(), std::strerror(errno)),
                "a folder that the probe's user may write; in the unit also ReadWritePaths="));
      return;
    }
    struct statvfs room {};
    if (::statvfs(there.c_str(), &room) != 0) return;
    std::uint64_t used = 0;
    for (fs::recursive_directory_iterator it{*root, ignored}, end; !ignored && it != end;
         it.increment(ignored)) {
      if (it->is_regular_file(ignored)) used += it->file_size(ignored);
    }
    const std::uint64_t free_mib = (std::uint64_t{room.f_bavail} * room.f_frsize) >> 20U;
    const std::uint64_t wanted_mib =
        config_.spool_cap_mib - std::min(config_.spool_cap_mib, used >> 20U);
    const std::string what = fmt::format("{} MiB free below {}", free_mib, there.string());
    if (free_mib < config_.spool_segment_mib) {
      add(error("spool.segment_mib", what, "no segment fits: free the disk or choose another"));
    } else if (free_mib < wanted_mib) {
      add(warning("spool.cap_mib",
                  fmt::format("{}, the spool may grow by {} MiB", what, wanted_mib),
                  "lower spool.cap_mib, or a long absence of the database fills the disk"));
    } else {
      add(fine("spool.cap_mib", what));
    }
  }

  void outputs() {
    for (const std::string& output : options_.outputs) {
      const auto parsed = parse_output(output, OutputUse::live);
      if (!parsed) {
        add(error("out", parsed.error().what, "correct it, `run` would refuse it"));
        continue;
      }
      if (parsed->receiver) reachable(output, *parsed->receiver);
      const auto path = written_path(*parsed);
      if (!path) continue;
      std::error_code failed;
      const fs::path folder = fs::absolute(*path, failed).parent_path();
      if (fs::is_directory(folder, failed)) {
        add(fine("out", output));
      } else {
        add(error("out", fmt::format("{}: there is no folder {}", output, folder.string()),
                  "make it, for the user that the service runs as"));
      }
    }
  }

  // A receiver that is away stops no sensor; a file that cannot be used will never do.
  void reachable(const std::string& output, const Receiver& receiver) {
    const Patience patience;
    const auto connection = ReceiverConnection::open(
        receiver, patience, {.connect = std::chrono::seconds{3}, .stall = std::chrono::seconds{3}});
    if (connection) {
      add(fine("out", output));
    } else if (connection.error().code == Errc::usage) {
      add(error("out", connection.error().what, "correct it, nothing would ever be sent"));
    } else {
      add(warning("out", fmt::format("{}: {}", output, connection.error().what),
                  "the probe keeps what it lacks, and tries again"));
    }
  }

  void database() {
    std::vector<std::string> targets;
    for (const std::string& output : options_.outputs) {
      if (names_postgres(output)) targets.push_back(conninfo_of(output));
    }
    if (targets.size() > 1) {
      add(error("database", "more than one --out postgres", "a sensor ships to one database"));
      return;
    }
    if (targets.empty() && (!options_.outputs.empty() || config_.database_conninfo.empty())) return;
    const std::string& conninfo =
        targets.empty() || targets.front().empty() ? config_.database_conninfo : targets.front();
    for (ConfigFinding& finding : check_database(conninfo, config_.probe_instance))
      add(std::move(finding));
  }

  const Config& config_;
  const DeepCheckOptions& options_;
  std::vector<ConfigFinding> found_;
};

}  // namespace

std::vector<ConfigFinding> check_deeply(const Config& config, const DeepCheckOptions& options) {
  return DeepCheck(config, options).run();
}

int run_deep_check(const Config& config, const DeepCheckOptions& options) {
  constexpr std::array<std::string_view, 3> level_names{"ok", "warning", "error"};
  std::array<std::size_t, level_names.size()> counts{};
  for (const ConfigFinding& finding : check_deeply(config, options)) {
    const auto level = static_cast<std::size_t>(finding.level);
    ++counts[level];
    fmt::print("{:<8} {:<20} {}{}{}\n", level_names[level], finding.topic, finding.what,
               finding.remedy.empty() ? "" : "\n         -> ", finding.remedy);
  }
  const std::size_t errors = counts[static_cast<std::size_t>(ConfigState::error)];
  const std::size_t warnings = counts[static_cast<std::size_t>(ConfigState::warning)];
  fmt::print("{}: {} errors, {} warnings\n", options.file, errors, warnings);
  return errors > 0 ? exit_usage : exit_done;
}

}  // namespace dpi
