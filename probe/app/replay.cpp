#include "probe/app/replay.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "capture/bpf_filter.h"
#include "capture/file_source.h"
#include "probe/app/capture_inputs.h"
#include "probe/app/outputs.h"
#include "probe/app/pipeline_parts.h"
#include "probe/app/progress.h"
#include "probe/app/replay_identity.h"
#include "probe/app/report.h"
#include "probe/app/schema_bundle.h"
#include "probe/app/version.h"
#include "probe/crypto/digest.h"
#include "probe/pipeline/data_path.h"

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
  Replay(const ReplayOptions& options, CaptureInputs& inputs, BpfFilter filter, DataPath& path)
      : options_(options),
        inputs_(inputs),
        filter_(std::move(filter)),
        path_(path),
        front_(path.front(0)),
        pacer_(options.speed),
        progress_(options.progress, total_bytes()) {}

  // What could not be read is in problems(); recording errors end it.
  void run() {
    for (std::uint64_t pass = 0; pass < options_.loop; ++pass) {
      for (const CaptureInput& input : inputs_.inputs()) {
        if (path_.failed()) break;
        read(input);
        if (!options_.merge) end_capture();
        bytes_done_ += input.bytes;
      }
      if (options_.merge) end_capture();
    }
    progress_.clear();
    path_.stop(0);
    path_.join();
    for (const std::string& warning : filter_.warnings()) say(warning);
  }
  [[nodiscard]] const std::vector<Error>& problems() const { return problems_; }

 private:
  [[nodiscard]] std::uint64_t total_bytes() const {
    std::uint64_t sum = 0;
    for (const CaptureInput& input : inputs_.inputs()) sum += input.bytes;
    return sum * options_.loop;
  }

  // Flows do not span captures.
  void end_capture() {
    front_.finish(EndReason::forced);
    path_.end_round(0, Batch{});
    pacer_.next_capture();
  }

  void read(const CaptureInput& input) {
    const auto descriptor = input.rewind();
    if (!descriptor) {
      problems_.push_back(descriptor.error());
      return;
    }
    auto source = open_file_source(*descriptor, input.name);
    if (!source) {
      problems_.push_back(source.error());
      return;
    }
    Batch batch;
    while (!path_.failed()) {
      const auto state = (*source)->poll(batch, options_.batch_packets, std::chrono::seconds{1});
      if (!state) {
        problems_.push_back(state.error());
        break;
      }
      if (*state == SourceState::end) break;
      process(batch);
      path_.end_round(0, std::move(batch));
      progress_.update(front_.stats().packets.offered, bytes_done_, input.name);
    }
    add_losses((*source)->stats());
    progress_.clear();
    for (const std::string& warning : (*source)->warnings()) say(warning);
  }

  // What the capturing machine lost, as far as its files tell.
  void add_losses(const CaptureStats& stats) noexcept {
    losses_.dropped_kernel += stats.dropped_kernel;
    losses_.dropped_nic += stats.dropped_nic;
    front_.set_source(losses_);
  }

  void process(const Batch& batch) {
    for (const RawPacket& packet : batch.packets()) {
      pacer_.wait(packet.time);
      if (options_.filter.empty() || filter_.matches(packet)) {
        front_.process(packet);
      } else {
        front_.count_filtered(packet);
      }
    }
  }

  const ReplayOptions& options_;
  CaptureInputs& inputs_;
  BpfFilter filter_;
  DataPath& path_;
  Front& front_;
  Pacer pacer_;
  Progress progress_;
  SourceStats losses_;  // of all captures
  std::uint64_t bytes_done_ = 0;
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
  int code = exit_done;
  for (const Error& problem : inputs.problems()) code = report(problem);
  for (const Error& problem : replay.problems()) code = report(problem);
  if (packets.offered == 0) {
    say("nothing inspected: no capture held a packet");
    code = exit_input;
  }
  if (!recorded) code = report(recorded.error());
  return code;
}

}  // namespace

int run_replay(const Config& config, const ReplayOptions& options) {
  auto inputs = CaptureInputs::open(options.captures);
  if (!inputs) return report(inputs.error());
  if (inputs->inputs().empty()) {
    for (const Error& problem : inputs->problems()) report(problem);
    return exit_input;
  }
  auto filter = BpfFilter::compile(options.filter);
  if (!filter) return report(filter.error());
  auto classifiers = open_classifiers(config.classifier_limits(), options.workers);
  if (!classifiers) return report(classifiers.error());
  const std::string ndpi_version = classifiers->front()->version();

  Digest config_sha256{};
  if (options.merge) inputs->order_by_first_packet();
  // A pass more is another chain: as if the captures had been given again.
  std::vector<Digest> captures;
  for (std::uint64_t pass = 0; pass < options.loop; ++pass) {
    for (const Digest& digest : inputs->digests()) captures.push_back(digest);
  }
  auto who = identify(config, options, ndpi_version, captures, config_sha256);
  if (!who) return report(who.error());
  if (options.key.empty() && config.signing_key.empty()) {
    say("signing with a key derived from the captures: it proves integrity, not origin (use --key "
        "for that)");
  }
  auto sinks = open_outputs(
      options.outputs, {.config = config, .identity = who->identity, .key = who->key.public_key()});
  if (!sinks) return report(sinks.error());

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
           std::chrono::seconds{static_cast<std::int64_t>(config.heartbeat_interval_s)}},
      recorder);
  const auto path = make_data_path({.limits = config.pipeline_limits(),
                                    .seed = random_seed(),
                                    .one_thread = options.workers == 1},
                                   std::move(*classifiers), journal, recorder);
  Replay replay(options, *inputs, std::move(*filter), *path);
  replay.run();
  journal.finish("end_of_input");
  return conclude(*inputs, replay, path->front(0).stats().packets, recorder.finish());
}

}  // namespace dpi
