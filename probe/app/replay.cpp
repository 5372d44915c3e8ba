#include "probe/app/replay.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include "capture/bpf_filter.h"
#include "capture/file_list.h"
#include "probe/app/capture_faults.h"
#include "probe/app/capture_inputs.h"
#include "probe/app/capture_reader.h"
#include "probe/app/files.h"
#include "probe/app/output_kind.h"
#include "probe/app/outputs.h"
#include "probe/app/pipeline_parts.h"
#include "probe/app/progress.h"
#include "probe/app/replay_deaths.h"
#include "probe/app/replay_identity.h"
#include "probe/app/replay_summary.h"
#include "probe/app/report.h"
#include "probe/app/schema_bundle.h"
#include "probe/app/version.h"
#include "probe/crypto/digest.h"
#include "probe/pipeline/data_path.h"
#include "probe/report/replay_report.h"
#include "probe/store/conninfo.h"

namespace dpi {
namespace {

// Sleeps until packets are due; at most a millisecond early.
class Pacer {
 public:
  explicit Pacer(double speed) : speed_(speed) {}
  void next_capture() { started_ = false; }
  void wait(Timestamp packet) {
    if (speed_ <= 0) return;
    if (!started_) {
      started_ = true;
      first_packet_ = packet;
      first_wall_ = std::chrono::steady_clock::now();
      return;
    }
    const auto offset = std::chrono::duration<double, std::nano>{packet - first_packet_} / speed_;
    const auto due = first_wall_ + std::chrono::duration_cast<std::chrono::nanoseconds>(offset);
    if (due - std::chrono::steady_clock::now() > std::chrono::milliseconds{1})
      std::this_thread::sleep_until(due);
  }

 private:
  double speed_;
  bool started_ = false;
  Timestamp first_packet_{};
  std::chrono::steady_clock::time_point first_wall_;
};

class Replay {
 public:
  Replay(const ReplayOptions& options, CaptureInputs& inputs, BpfFilter& filter, DataPath& path,
         ReplayDeaths& deaths)
      : options_(options),
        inputs_(inputs),
        filter_(filter),
        path_(path),
        deaths_(deaths),
        front_(path.front(0)),
        pacer_(options.speed),
        progress_(options.progress, total_bytes()) {}

  // What could not be read is in problems(); recording errors end it, and so does a worker's death.
  void run() {
    for (std::uint64_t pass = 0; pass < options_.loop; ++pass) {
      for (std::size_t next = 0; next < inputs_.inputs().size() && !path_.failed();) {
        next = options_.merge ? read_merged() : read_one(next);
        end_capture();
      }
    }
    progress_.clear();
    path_.stop(0);
    path_.join();
    for (const std::string& warning : filter_.warnings()) warnings_.push_back(warning);
  }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  [[nodiscard]] const std::vector<Error>& problems() const { return problems_; }
  // Not every capture was one that could be read from its beginning to its end.
  [[nodiscard]] bool faulty() const { return faulty_; }

 private:
  [[nodiscard]] std::uint64_t total_bytes() const {
    std::uint64_t sum = 0;
    for (const CaptureInput& input : inputs_.inputs()) sum += input.bytes;
    return sum * options_.loop;
  }

  // Flows do not span captures.
  void end_capture() {
    front_.finish(EndReason::forced);
    path_.end_round(0);
    pacer_.next_capture();
  }

  std::size_t read_one(std::size_t index) {
    std::vector<CaptureReader> readers;
    if (auto reader = open(index)) readers.push_back(std::move(*reader));
    while (!readers.empty() && !path_.failed()) process_head(readers, 0);
    return index + 1;
  }

  // In the order of time. Only captures that overlap are open at once, for they are in the order of
  // their first packets.
  std::size_t read_merged() {
    std::vector<CaptureReader> readers;
    const std::size_t count = inputs_.inputs().size();
    std::size_t next = 0;
    std::optional<CaptureReader> waiting;
    while (!path_.failed()) {
      while (!waiting && next < count) waiting = open(next++);
      std::size_t first = 0;
      for (std::size_t i = 1; i < readers.size(); ++i) {
        if (readers[i].time().time < readers[first].time().time) first = i;
      }
      if (waiting && (readers.empty() || waiting->time().time < readers[first].time().time)) {
        readers.push_back(std::move(*waiting));
        waiting.reset();
        continue;
      }
      if (readers.empty()) break;
      process_head(readers, first);
    }
    return count;
  }

  // With a packet at its head; nothing when there is none.
  std::optional<CaptureReader> open(std::size_t index) {
    auto reader = CaptureReader::open(inputs_.inputs()[index], options_.batch_packets);
    if (!reader) {
      problems_.push_back(reader.error());
      return std::nullopt;
    }
    if (!go_on(*reader)) return std::nullopt;
    return std::move(*reader);
  }

  // Fetches the reader's next batch; false when the capture has ended.
  bool go_on(CaptureReader& reader) {
    const auto more = reader.next_batch();
    if (more && *more) return true;
    if (!more) problems_.push_back(more.error());
    const CaptureFaults faults = reader.faults(more.has_value());
    faults.count_in(front_);
    faulty_ = faulty_ || faults.any();
    add_losses(reader.source().stats());
    bytes_done_ += reader.input().bytes;
    progress_.clear();
    for (const std::string& warning : reader.source().warnings()) warnings_.push_back(warning);
    for (const std::string& sentence : faults.sentences()) warnings_.push_back(sentence);
    return false;
  }

  void process_head(std::vector<CaptureReader>& readers, std::size_t index) {
    CaptureReader& reader = readers[index];
    const FactNumber before = front_.last_number();
    process(reader.settled_packet(), reader.time().step);
    if (!deaths_.left_out().empty())
      deaths_.passed(before, front_.last_number(), reader.input().name, reader.position());
    reader.advance();
    if (++in_round_ >= options_.batch_packets && !reader.at_batch_end()) end_round();
    if (!reader.at_batch_end()) return;
    end_round();
    reader.drop_batch();
    if (progress_.due()) {
      std::uint64_t bytes = bytes_done_;
      for (const CaptureReader& open : readers) bytes += open.file_position();
      progress_.update(front_.stats().packets.offered, bytes, reader.input().name);
    }
    if (!go_on(reader)) readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void end_round() {
    path_.end_round(0);
    in_round_ = 0;
  }

  // What the capturing machine lost, as far as its files tell.
  void add_losses(const CaptureStats& stats) noexcept {
    losses_.dropped_kernel += stats.dropped_kernel;
    losses_.dropped_nic += stats.dropped_nic;
    front_.set_source(losses_);
  }

  void process(const RawPacket& packet, Nanoseconds step) {
    // Where several captures are merged, the clock of one is not the clock of all.
    if (step != Nanoseconds{0} && !options_.merge) {
      front_.step_clock(step);
      pacer_.next_capture();
    }
    pacer_.wait(packet.time);
    if (options_.filter.empty() || filter_.matches(packet)) {
      front_.process(packet);
    } else {
      front_.count_filtered(packet);
    }
  }

  const ReplayOptions& options_;
  CaptureInputs& inputs_;
  BpfFilter& filter_;
  DataPath& path_;
  ReplayDeaths& deaths_;
  Front& front_;
  Pacer pacer_;
  Progress progress_;
  SourceStats losses_;  // of all captures
  std::uint64_t bytes_done_ = 0;
  std::size_t in_round_ = 0;
  bool faulty_ = false;
  std::vector<std::string> warnings_;
  std::vector<Error> problems_;
};

Result<ReplayIdentity> identify(const Config& config, const ReplayOptions& options,
                                const std::string& ndpi_version,
                                const std::vector<Digest>& captures, Digest& config_sha256) {
  const std::string& key_path = options.key.empty() ? config.signing_key : options.key;
  DigestInputs inputs{.filter = options.filter,
                      .key_id = std::nullopt,
                      .ndpi_version = ndpi_version,
                      .merged = options.merge};
  if (key_path.empty()) {
    config_sha256 = config_digest(config, inputs);
    return replay_identity(replay_machine(), config_sha256, captures, derive_replay_key(captures));
  }
  auto key = SigningKey::read(key_path);
  if (!key) return tl::unexpected(key.error());
  auto machine = this_machine();
  if (!machine) return tl::unexpected(machine.error());
  inputs.key_id = key->public_key().key_id();
  config_sha256 = config_digest(config, inputs);
  return replay_identity(*machine, config_sha256, captures, std::move(*key));
}

int conclude(const CaptureInputs& inputs, const Replay& replay, const PacketLedger& packets,
             const Result<void>& recorded) {
  int code = replay.faulty() ? exit_input : exit_done;
  for (const Error& problem : inputs.problems()) code = report(problem);
  for (const Error& problem : replay.problems()) code = report(problem);
  if (packets.offered == 0) {
    say("nothing inspected: no capture held a packet");
    code = exit_input;
  }
  if (!recorded) code = report(recorded.error());
  return code;
}

// In a database each capture has a chain of its own: what a folder holds today and did yesterday is
// known there, in whatever order and however it is packed.
bool one_by_one(const ReplayOptions& options) {
  return !options.merge && options.loop == 1 && !options.outputs.empty() &&
         std::all_of(options.outputs.begin(), options.outputs.end(), names_postgres);
}

// That none of them is a capture.
Result<void> check_outputs(const ReplayOptions& options, const CaptureInputs& inputs) {
  for (const std::string& text : options.outputs) {
    const auto output = parse_output(text, OutputUse::replay);
    const auto path = output ? written_path(*output) : std::nullopt;
    if (!path) continue;  // no file, or open_outputs() says what it is
    if (auto may = inputs.may_write(*path); !may) return may;
  }
  return inputs.may_write(options.report);
}

int replay_together(const Config& config, const ReplayOptions& options) {
  auto inputs = CaptureInputs::open(options.captures);
  if (!inputs) return report(inputs.error());
  if (inputs->inputs().empty()) {
    for (const Error& problem : inputs->problems()) report(problem);
    return exit_input;
  }
  if (const auto may = check_outputs(options, *inputs); !may) return report(may.error());
  auto filter = BpfFilter::compile(options.filter);
  if (!filter) return report(filter.error());
  auto classifier = fresh_classifier(config.classifier_limits());
  if (!classifier) return report(classifier.error());
  const std::string ndpi_version = (*classifier)->version();
  // Before a key is in this process.
  const MemoryBudget memory{config, {.workers = options.workers}};
  SupervisorSettings supervisor = supervisor_settings(config, memory, config.service_sandbox);
  supervisor.restart = false;
  auto pool = WorkerPool::start(
      {.supervisor = std::move(supervisor), .workers = static_cast<std::uint32_t>(options.workers)},
      *classifier);
  if (!pool) return report(pool.error());

  Digest config_sha256{};
  if (options.merge) inputs->order_by_first_packet();
  // A pass more is another chain: as if the captures had been given again.
  std::vector<Digest> captures;
  for (std::uint64_t pass = 0; pass < options.loop; ++pass) {
    for (const Digest& digest : inputs->digests()) captures.push_back(digest);
  }
  auto who = identify(config, options, ndpi_version, captures, config_sha256);
  if (!who) return report(who.error());
  if (options.key.empty() && config.signing_key.empty() && !options.quiet) {
    say("signing with a key derived from the captures: it proves integrity, not origin (use --key "
        "for that)");
  }
  auto sinks = open_outputs(
      options.outputs, {.config = config, .identity = who->identity, .key = who->key.public_key()});
  if (!sinks) return report(sinks.error());
  if (options.judge_rows) sinks->push_back(make_row_rule_sink());
  ReplaySummary summary;
  if (options.summary) sinks->push_back(summary.sink());
  ReplayReport page;
  if (!options.report.empty()) sinks->push_back(page.sink());
  const ReplaySummary::Ending ending{.instance = who->identity.instance,
                                     .key_id = who->key.public_key().key_id(),
                                     .captures = inputs->inputs().size(),
                                     .outputs = options.outputs};

  Recorder recorder(Sealer(who->identity, std::move(who->key)), std::move(*sinks),
                    config.signing_checkpoint_events);
  EventJournal journal(
      {.start_reason = "replay",
       .run_id = who->run_id,
       .probe_version = std::string{probe_version},
       .ndpi_version = ndpi_version,
       .config_sha256 = config_sha256,
       .schema_sha256 = schema_bundle_sha256(),
       .heartbeat_interval =
           std::chrono::seconds{static_cast<std::int64_t>(config.heartbeat_interval_s)},
       .scan_flows = config.flow_scan_flows},
      recorder);
  ReplayDeaths deaths;
  while (true) {
    DataPath path({.front = config.pipeline_limits().front,
                   .seeds = {random_seed(), lane_seed_of(who->run_id)},
                   .left_out = deaths.left_out(),
                   .told_before = deaths.told_before(),
                   .died =
                       [&](const WorkerDeath& death) {
                         deaths.died(death);
                         return std::string{};
                       }},
                  **pool, journal, recorder);
    Replay replay(options, *inputs, *filter, path, deaths);
    replay.run();
    if (!path.broken()) {
      for (const std::string& warning : replay.warnings()) say(warning);
      journal.finish("end_of_input");
      int code = conclude(*inputs, replay, path.front(0).stats().packets, recorder.finish());
      if (!options.report.empty()) {
        if (const auto written =
                write_file(options.report, page.page(options.captures, replay.warnings()));
            !written)
          code = report(written.error());
      }
      if (options.summary) std::fputs(summary.text(ending).c_str(), stderr);
      return code == exit_done && !deaths.left_out().empty() ? exit_input : code;
    }
    if (const auto again = deaths.begin_again(path.told()); !again) return report(again.error());
  }
}

}  // namespace

int run_replay(const Config& config, const ReplayOptions& options) {
  const auto files = list_capture_files(options.captures);
  if (!files || files->size() < 2 || !one_by_one(options)) return replay_together(config, options);
  if (!options.report.empty()) {
    return report(Error{Errc::usage,
                        "--report is about one chain, and in a database each capture has its own; "
                        "give one capture, --merge, or another --out"});
  }
  int worst = exit_done;
  for (const std::filesystem::path& file : *files) {
    ReplayOptions one = options;
    one.captures = {file.string()};
    one.quiet = options.quiet || file != files->front();
    const int code = replay_together(config, one);
    if (code == exit_usage || code == exit_sink) return code;
    if (code != exit_done) worst = code;
  }
  return worst;
}

}  // namespace dpi
