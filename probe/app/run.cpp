#include "probe/app/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <csignal>
#include <ctime>
#include <sstream>
#include <tuple>

#include "capture/af_packet_source.h"
#include "capture/dpdk_source.h"
#include "probe/app/capture_thread.h"
#include "probe/app/last_heartbeat.h"
#include "probe/app/live_side.h"
#include "probe/app/machine.h"
#include "probe/app/outputs.h"
#include "probe/app/own_chain.h"
#include "probe/app/pipeline_parts.h"
#include "probe/app/report.h"
#include "probe/app/row_rule_sink.h"
#include "probe/app/running_software.h"
#include "probe/app/schema_bundle.h"
#include "probe/app/service.h"
#include "probe/app/service_paths.h"
#include "probe/app/version.h"
#include "probe/app/worker_deaths.h"
#include "probe/base/check.h"
#include "probe/base/clock.h"
#include "probe/crypto/digest.h"
#include "probe/event/payloads.h"
#include "probe/service/log.h"

namespace dpi {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

// Every thread that follows leaves these to the control thread.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

Result<Identity> live_identity(const Config& config) {
  const auto instance = parse_uuid(config.probe_instance);
  if (!instance) {
    return fail(Errc::usage,
                "probe.instance is not set: `ransomeye-dpi keys enrol` registers this probe and "
                "prints it");
  }
  auto machine = this_machine();
  if (!machine) return tl::unexpected(machine.error());
  const auto boot = boot_id();
  if (!boot) return tl::unexpected(boot.error());
  return Identity{.instance = *instance,
                  .machine = machine->id,
                  .boot = *boot,
                  .hostname = machine->hostname,
                  .version = std::string{probe_version},
                  .mode = Mode::live};
}

struct Sources {
  std::vector<std::unique_ptr<PacketSource>> open;
  std::vector<WatchedSource> watched;  // the same, in order

  void add(std::vector<std::unique_ptr<PacketSource>> sources, std::string_view kind,
           bool promiscuous) {
    for (auto& source : sources) {
      watched.push_back({std::string{source->name()}, kind, promiscuous});
      open.push_back(std::move(source));
    }
  }
};

std::uint64_t ring_count(const Sources& sources) {
  return static_cast<std::uint64_t>(
      std::count_if(sources.watched.begin(), sources.watched.end(),
                    [](const WatchedSource& source) { return source.kind == "af_packet"; }));
}

// A block is handed over when it is full or old, with however few packets: many small ones bridge
// more time than few large ones. 1 MiB is enough for any ring of 64 MiB.
std::pair<std::size_t, std::size_t> ring_shape(std::size_t ring_bytes) {
  constexpr std::size_t blocks_wanted = 64;
  constexpr std::size_t block_bytes_min = std::size_t{128} << 10U;
  constexpr std::size_t block_bytes_max = std::size_t{1} << 20U;
  const std::size_t block_bytes =
      std::clamp(std::bit_floor(ring_bytes / blocks_wanted), block_bytes_min, block_bytes_max);
  return {block_bytes, ring_bytes / block_bytes};
}

Result<void> open_interfaces(const Config& config, const std::vector<std::string>& interfaces,
                             const std::string& filter, Sources& sources) {
  for (const std::string& interface : interfaces) {
    AfPacketOptions source;
    source.interface = interface;
    source.sockets = config.capture_sockets;
    std::tie(source.block_bytes, source.blocks) = ring_shape(config.capture_ring_mib << 20U);
    source.snap_bytes = static_cast<std::uint32_t>(config.capture_snap_bytes);
    source.promiscuous = config.capture_promiscuous;
    source.ignore_outgoing = !config.capture_outgoing;
    source.filter = filter;
    auto opened = open_af_packet(source);
    if (!opened) return tl::unexpected(opened.error());
    sources.add(std::move(*opened), "af_packet", source.promiscuous);
  }
  return {};
}

Result<Sources> open_sources(const Config& config, const RunOptions& options,
                             const std::string& filter) {
  Sources out;
  const auto interfaces =
      options.interfaces.empty() ? words(config.capture_interfaces) : options.interfaces;
  const auto eal = words(options.dpdk.empty() ? config.capture_dpdk : options.dpdk);
  if (interfaces.empty() && eal.empty()) {
    return fail(Errc::usage,
                "nothing to capture from: give -i INTERFACE, --dpdk or capture.interfaces; "
                "`ransomeye-dpi interfaces` lists them");
  }
  if (auto opened = open_interfaces(config, interfaces, filter, out); !opened)
    return tl::unexpected(opened.error());
  if (eal.empty()) return out;
  DpdkOptions dpdk;
  dpdk.plugin = config.capture_dpdk_plugin;
  dpdk.eal_arguments = eal;
  dpdk.huge_pages = config.capture_dpdk_huge_pages;
  dpdk.queues = config.capture_dpdk_queues;
  dpdk.promiscuous = config.capture_promiscuous;
  auto opened = open_dpdk(dpdk);
  if (!opened) return tl::unexpected(opened.error());
  out.add(std::move(*opened), "dpdk", dpdk.promiscuous);
  return out;
}

// A key that `keys rotate` put behind the one that signs so far: the chain goes on under it.
void take_up_newest_key(std::vector<SigningKey> keys, std::size_t in_force, EventJournal& journal,
                        const Recorder& recorder) {
  const std::size_t newest = keys.size() - 1;
  if (newest == 0) return;
  if (in_force == newest) {
    const std::string old = hex(keys.front().public_key().key_id());
    log_state({.level = LogLevel::notice,
               .event = "key_left_over",
               .message = fmt::format("key {} was replaced and is still in the key's file: "
                                      "`ransomeye-dpi keys rotate FILE --finish SPOOL` removes it",
                                      old),
               .fields = {{"key_id", old}}});
    return;
  }
  const std::string next = hex(keys[newest].public_key().key_id());
  const std::uint64_t seq = recorder.sealer().next_seq();
  if (!journal.rotate_key(std::move(keys[newest]), "scheduled")) {
    log_state({.level = LogLevel::error,
               .event = "key_not_rotated",
               .message = fmt::format("no room for the event that hands over to key {}: the old "
                                      "key goes on until the next start; make room for the spool",
                                      next),
               .fields = {{"key_id", next}}});
    return;
  }
  log_state({.level = LogLevel::notice,
             .event = "key_rotated",
             .message = fmt::format("key {} signs from sequence {} on; `ransomeye-dpi keys rotate "
                                    "FILE --finish SPOOL` writes what the database has to know",
                                    next, seq),
             .fields = {{"key_id", next}, {"seq", std::to_string(seq)}}});
}

// What SIGHUP can change without a restart; everything else keeps its old value, and it is said.
class Reload {
 public:
  Reload(Config config, const RunOptions& options, EventJournal& journal)
      : config_(std::move(config)), options_(options), journal_(journal) {}

  // The payload of a config.change event; empty: nothing changed, or the file is wrong.
  std::string apply() {
    if (!options_.read_config) return {};
    const auto again = options_.read_config();
    if (!again) {
      const std::string why =
          fmt::format("not reloaded, the configuration stays as it is: {}", again.error().what);
      log_state({.level = LogLevel::error, .event = "not_reloaded", .message = why});
      return {};
    }
    std::vector<std::string> applied;
    for (const std::string& key : changed_keys(config_, *again)) {
      if (key == "heartbeat.interval_s" || key == "signing.checkpoint_ms") {
        applied.push_back(key);
      } else {
        log_state({.level = LogLevel::warning,
                   .event = "restart_needed",
                   .message = fmt::format("{} has changed; it needs a restart", key),
                   .fields = {{"key", key}}});
      }
    }
    if (applied.empty()) {
      log_state({.level = LogLevel::notice,
                 .event = "reloaded",
                 .message = "reloaded: nothing that can change while running has changed"});
      return {};
    }
    const Digest before = digest();
    config_.heartbeat_interval_s = again->heartbeat_interval_s;
    config_.signing_checkpoint_ms = again->signing_checkpoint_ms;
    journal_.set_intervals(
        std::chrono::seconds{static_cast<std::int64_t>(config_.heartbeat_interval_s)},
        std::chrono::milliseconds{static_cast<std::int64_t>(config_.signing_checkpoint_ms)});
    const std::string changed = fmt::format("{}", fmt::join(applied, ", "));
    log_state({.level = LogLevel::notice,
               .event = "reloaded",
               .message = "reloaded: " + changed,
               .fields = {{"changed", changed}}});
    std::string payload;
    append_config_change_payload(payload, {.old_sha256 = before,
                                           .new_sha256 = digest(),
                                           .members = {applied.begin(), applied.end()}});
    return payload;
  }

 private:
  // Of everything that is in force, whether or not it decides which events there are.
  [[nodiscard]] Digest digest() const { return sha256({as_bytes(show_config(config_))}); }

  Config config_;
  const RunOptions& options_;
  EventJournal& journal_;
};

// The control thread's part: waits for signals and for threads that ended by themselves.
class Control {
 public:
  Control(const sigset_t& signals, std::vector<std::unique_ptr<CaptureThread>>& captures,
          DataPath& path, Reload reload, LiveSink& chain, Service& service)
      : signals_(signals),
        captures_(captures),
        path_(path),
        reload_(std::move(reload)),
        chain_(chain),
        service_(service) {}

  // Why it ended, as probe.stop says it.
  std::string_view wait() {
    for (;;) {
      timespec patience{.tv_sec = 0, .tv_nsec = 200'000'000};
      const int got = sigtimedwait(&signals_, nullptr, &patience);
      if (got == SIGINT || got == SIGTERM) {
        end_at_once_on_the_next();
        return "signal";
      }
      if (got == SIGHUP) {
        service_.reloading();
        chain_.reopen_followers();
        if (std::string change = reload_.apply(); !change.empty())
          path_.own_event("config.change", std::move(change));
        service_.reloaded();
      }
      service_.beat();
      if (path_.failed()) return "error";
      for (const auto& capture : captures_) {
        if (!capture->ended()) continue;
        log_state(
            {.level = LogLevel::error, .event = "capture_ended", .message = capture->error()});
        return "error";
      }
    }
  }

 private:
  // A second signal: whoever sends it does not want to wait. At once behind the first it is the
  // same: timeout(1) and terminals send to the process and to its group.
  void end_at_once_on_the_next() const {
    static std::atomic<std::uint64_t> first_us;
    static constexpr std::uint64_t same_us = 500'000;
    first_us = boot_time_us();
    for (const int s : {SIGINT, SIGTERM}) {
      std::signal(s, [](int) {
        if (boot_time_us() - first_us > same_us) ::_exit(exit_failure);
      });
    }
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }

  sigset_t signals_;
  std::vector<std::unique_ptr<CaptureThread>>& captures_;
  DataPath& path_;
  Reload reload_;
  LiveSink& chain_;
  Service& service_;
};

}  // namespace

int run_sensor(const Config& config, const RunOptions& options) {
  const sigset_t signals = block_signals();
  auto identity = live_identity(config);
  if (!identity) return report(identity.error());
  const std::string& key_path = options.key.empty() ? config.signing_key : options.key;
  if (key_path.empty())
    return report(
        {Errc::usage, "signing.key is not set: `ransomeye-dpi keys generate FILE` makes one"});
  const std::string& filter = options.filter.empty() ? config.capture_filter : options.filter;
  if (const auto compiles = BpfFilter::compile(filter); !compiles) return report(compiles.error());
  auto sources = open_sources(config, options, filter);
  if (!sources) return report(sources.error());
  auto service = Service::open(config, options);
  if (!service) return report(service.error());

  const auto workers =
      static_cast<std::uint32_t>(options.workers > 0 ? options.workers : config.workers_count);
  const auto fronts = static_cast<std::uint32_t>(sources->open.size());
  const auto followers = count_followers(options.outputs);
  if (!followers) return report(followers.error());
  const MemoryBudget memory{
      config,
      {.workers = workers, .fronts = fronts, .rings = ring_count(*sources), .outputs = *followers}};
  if (auto fits = memory.check(); !fits) return report(fits.error());
  auto classifier = fresh_classifier(config.classifier_limits());
  if (!classifier) return report(classifier.error());
  const std::string ndpi_version = (*classifier)->version();
  Software software = running_software((*classifier)->library_path());
  // Before the key is in this process.
  auto pool = WorkerPool::start({.supervisor = supervisor_settings(
                                     config, memory, config.service_sandbox && !options.no_sandbox),
                                 .workers = workers,
                                 .fronts = fronts,
                                 .work_batches = memory.work_batches(),
                                 .fact_batches = memory.fact_batches()},
                                *classifier);
  if (!pool) return report(pool.error());
  auto keys = SigningKey::read_all(key_path);
  if (!keys) return report(keys.error());

  // From here on threads are started: they inherit what is given away now.
  if (auto entered = (*service)->enter_sandbox(key_path); !entered) return report(entered.error());
  auto outputs = open_live_outputs(
      options.outputs, {.config = config, .identity = *identity, .key = keys->back().public_key()});
  if (!outputs) return report(outputs.error());
  if constexpr (rows_are_asserted) outputs->sinks.push_back(make_row_rule_sink());
  const auto last = find_last_run(*outputs->chain, outputs->spool);
  if (!last) return report(last.error());
  for (const std::string& damage : last->damage) say_damage(damage);
  const auto in_force = require_own_chain(*outputs->chain, *last, *identity, *keys);
  if (!in_force) return report(in_force.error());
  if (auto shipping = outputs->chain->start_readers(); !shipping) return report(shipping.error());

  const Digest key_id = keys->back().public_key().key_id();
  ChainHead head;
  if (outputs->chain->recovered()) head = outputs->chain->recovered()->head;
  MachineSide machine(*outputs->chain, config.spool_cap_mib << 20U);
  LiveSide& live = (*service)->observe(machine, *outputs->chain);
  Recorder recorder(Sealer(*identity, std::move((*keys)[*in_force]), std::move(head)),
                    std::move(outputs->sinks), config.signing_checkpoint_events);
  EventJournal journal(
      {.start_reason = "enrolled",
       .run_id = random_uuid(),
       .probe_version = std::string{probe_version},
       .ndpi_version = ndpi_version,
       .software = std::move(software),
       .config_sha256 = config_digest(
           config,
           {.filter = filter, .key_id = key_id, .ndpi_version = ndpi_version, .merged = false}),
       .schema_sha256 = schema_bundle_sha256(),
       .heartbeat_interval =
           std::chrono::seconds{static_cast<std::int64_t>(config.heartbeat_interval_s)},
       .last_run = last->run,
       .live = &live,
       .checkpoint_age =
           std::chrono::milliseconds{static_cast<std::int64_t>(config.signing_checkpoint_ms)},
       .canary = config.heartbeat_canary ? &(*pool)->canary() : nullptr,
       .scan_flows = config.flow_scan_flows},
      recorder);
  journal.start();
  take_up_newest_key(std::move(*keys), *in_force, journal, recorder);
  if (recorder.error()) return report(*recorder.error());

  const auto set_aside = quarantine_folder(config);
  if (!set_aside) return report(set_aside.error());
  WorkerDeaths deaths(*set_aside, config.workers_quarantine_files);
  DataPath path({.front = config.pipeline_limits().front,
                 .seeds = {random_seed(), random_seed()},
                 .when_behind = WhenBehind::shed,
                 .died = [&](const WorkerDeath& death) { return deaths.died(death); }},
                **pool, journal, recorder);
  machine.watch(path, sources->watched, workers);
  std::vector<std::unique_ptr<CaptureThread>> captures;
  for (std::uint32_t f = 0; f < fronts; ++f) {
    std::optional<BpfFilter> own;
    if (sources->watched[f].kind == "dpdk" && !filter.empty()) {
      auto compiled = BpfFilter::compile(filter);  // as it did above
      DPI_CHECK(compiled.has_value());
      own = std::move(*compiled);
    }
    captures.push_back(std::make_unique<CaptureThread>(
        std::move(sources->open[f]), path, f, config.capture_batch_packets, std::move(own)));
  }
  const std::string instance = uuid_text(identity->instance);
  log_state({.level = LogLevel::notice,
             .event = "capturing",
             .message = fmt::format("capturing from {} source(s) with {} worker(s), instance {}",
                                    fronts, workers, instance),
             .fields = {{"sources", std::to_string(fronts)},
                        {"workers", std::to_string(workers)},
                        {"instance", instance}}});
  (*service)->start(captures, path);
  const std::string_view reason =
      Control(signals, captures, path, Reload(config, options, journal), *outputs->chain, **service)
          .wait();
  (*service)->stopping(reason);
  for (const auto& capture : captures) capture->stop();
  captures.clear();
  path.join();
  journal.finish(reason);
  const auto finished = recorder.finish();
  if (!finished) return report(finished.error());
  return reason == "error" ? exit_failure : exit_done;
}

}  // namespace dpi
