// Whatever a live probe goes through (clock steps both ways, losses, full sinks, crashes, two
// sources, up to 300 interfaces, mirrored copies left out, flows longer than their active timeout),
// every event that it seals becomes rows, in one chain. DPI_PROPERTY_SEEDS says how many lives
// (30), DPI_PROPERTY_FIRST which is the first.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <set>

#include "probe/audit/row_rules.h"
#include "probe/envelope/chain_verifier.h"
#include "probe/pipeline/data_path.h"
#include "tests/property/environment.h"
#include "tests/support/packets.h"
#include "tests/unit/audit/bundle.h"

namespace dpi::test {
namespace {

class Unknown final : public Classifier {
 public:
  Unknown() {
    verdict_.master = verdict_.app = verdict_.category = verdict_.confidence = "Unknown";
  }
  void inspect(const Flow&, const PacketView&, Timestamp) override {}
  Verdict verdict(const Flow&) override { return verdict_; }
  Verdict conclude(const Flow&) override { return verdict_; }
  std::string version() const override { return "none"; }

 private:
  Verdict verdict_;
};

// What is left of a probe when the power goes: what it had at its last checkpoint.
struct Durable {
  ChainHead head;
  std::optional<std::uint64_t> heartbeat_seq;
  std::optional<HeartbeatFacts> totals;
  std::optional<Timestamp> emitted_at;
};

// The chain over all runs of a probe, judged by the rules of its rows.
class Life {
 public:
  explicit Life(unsigned seed) : seed_(seed) {}

  void event(std::uint64_t seq, std::string_view text, std::string_view payload) {
    const auto envelope = parse_envelope(text);
    ASSERT_TRUE(envelope);
    const auto broken = rules_.broken(*envelope, payload);
    EXPECT_FALSE(broken) << "DPI_PROPERTY_FIRST=" << seed_
                         << " DPI_PROPERTY_SEEDS=1: " << envelope->event_type << " breaks "
                         << broken->rule << " (" << broken->detail
                         << "): " << payload.substr(0, 2000);
    types.insert(envelope->event_type);
    pending_.emplace_back(text, payload);
    next_.emitted_at = envelope->emitted_at;
    if (envelope->event_type == "health.heartbeat") {
      next_.heartbeat_seq = seq;
      next_.totals = told;
    }
  }
  void checkpoint(std::string_view note, const ChainHead& head) {
    for (const auto& [envelope, payload] : pending_) {
      const auto added = verifier_.add_event(envelope, payload);
      ASSERT_TRUE(added) << "DPI_PROPERTY_FIRST=" << seed_ << ": " << added.error().what;
    }
    const auto signed_ = verifier_.add_checkpoint(note);
    ASSERT_TRUE(signed_) << "DPI_PROPERTY_FIRST=" << seed_ << ": " << signed_.error().what;
    pending_.clear();
    next_.head = head;
    durable = next_;
  }
  // What was not durable never was.
  void begin_run() {
    pending_.clear();
    next_ = durable;
    full = false;
  }

  Durable durable;
  std::optional<HeartbeatFacts> told;  // of the heartbeat that is being sealed
  std::set<std::string> types;
  std::atomic<bool> full = false;

 private:
  unsigned seed_;
  BundleCatalogue bundle_ = bundle_of_the_tree();
  RowPlans plans_{bundle_};
  RowRules rules_{plans_};
  ChainVerifier verifier_;
  std::vector<std::pair<std::string, std::string>> pending_;
  Durable next_;
};

class Sink final : public EventSink {
 public:
  explicit Sink(Life& life) : life_(life) {}
  [[nodiscard]] Room room() const noexcept override {
    return life_.full ? Room::none : Room::plenty;
  }
  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    life_.event(seq, envelope, payload);
    return {};
  }
  Result<void> checkpoint(std::string_view note, const ChainHead& head) override {
    life_.checkpoint(note, head);
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  Life& life_;
};

// Clocks that somebody sets, and a machine of many interfaces.
class Machine final : public LiveSide {
 public:
  Machine(Life& life, std::size_t interfaces) : life_(life), interfaces_(interfaces) {}
  SealTime seal_time() override {
    return {.emitted_at = timestamp(wall_ns),
            .mono_us = static_cast<std::uint64_t>(boot_ns / 1000)};
  }
  void describe(HeartbeatFacts& facts, std::span<const FrontStats> fronts) override {
    for (std::size_t i = 0; i < interfaces_; ++i) {
      InterfaceFacts one;
      one.name = fmt::format("if{:03}", i);
      one.kind = "af_packet";
      if (i < fronts.size()) {
        one.packets = fronts[i].packets.offered;
        one.dropped_kernel = fronts[i].source.dropped_kernel;
        one.last_packet_at = fronts[i].packets.last_packet_at;
      }
      facts.interfaces.push_back(std::move(one));
    }
  }
  void told(const HeartbeatFacts& facts) override { life_.told = facts; }

  std::atomic<std::int64_t> wall_ns = 1'790'000'000'000'000'000;
  std::atomic<std::int64_t> boot_ns = 1'000'000'000;

 private:
  Life& life_;
  std::size_t interfaces_;
};

class Probe {
 public:
  Probe(Life& life, Machine& machine, std::mt19937_64& random)
      : life_(life), machine_(machine), random_(random) {}

  // One run, up to its stop or to the moment when the power goes.
  void run() {
    life_.begin_run();
    const auto fronts = static_cast<std::uint32_t>(1 + below(2));
    LaneLimits limits;
    limits.flows.active = std::chrono::seconds{3};
    limits.flows.idle_other = limits.flows.idle_half_open = std::chrono::seconds{2};
    limits.flows.drop_duplicates = below(2) == 0;
    const auto pool =
        WorkerPool::start({.supervisor = {.limits = limits, .seed = {1, 2}}, .fronts = fronts},
                          std::make_unique<Unknown>());
    ASSERT_TRUE(pool);
    std::vector<std::unique_ptr<EventSink>> sinks;
    sinks.push_back(std::make_unique<Sink>(life_));
    Recorder recorder(Sealer({.hostname = "h", .version = "1", .mode = Mode::live},
                             SigningKey::from_seed(Digest{1}), life_.durable.head),
                      std::move(sinks), 16);
    JournalSettings settings{.start_reason = "enrolled",
                             .run_id = {},
                             .probe_version = "1",
                             .ndpi_version = "4",
                             .software = {.libpcap_version = "1", .build_sha256 = Digest{}},
                             .heartbeat_interval = std::chrono::seconds{1 + below(3)}};
    settings.last_run = {.clean_shutdown = clean_,
                         .recovered_bytes_cut = below(2) * 4096,
                         .last_emitted_at = life_.durable.emitted_at,
                         .heartbeat_seq = life_.durable.heartbeat_seq,
                         .totals = life_.durable.totals};
    settings.live = &machine_;
    settings.scan_flows = below(2) * 8;
    EventJournal journal(std::move(settings), recorder);
    journal.start();
    {
      DataPath path({}, **pool, journal, recorder);
      for (std::uint64_t step = 20 + below(60); step > 0; --step)
        one_step(path, static_cast<std::uint32_t>(below(fronts)), fronts);
      life_.full = false;
      for (std::uint32_t f = 0; f < fronts; ++f) {
        path.front(f).finish(EndReason::forced);
        path.end_round(f);
        path.stop(f);
      }
      path.join();
    }
    clean_ = below(2) == 0;
    if (!clean_) return;
    journal.finish("signal");
    ASSERT_TRUE(recorder.finish());
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void set_clock(DataPath& path, std::uint32_t fronts) {
    constexpr std::int64_t day = 86'400 * second;
    const auto by = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(40 * day)));
    const std::int64_t delta = below(2) == 0 ? by : -by;
    machine_.wall_ns += delta;
    for (std::uint32_t f = 0; f < fronts; ++f) {
      path.front(f).observe_clock(Nanoseconds{machine_.wall_ns - machine_.boot_ns});
      path.end_round(f);
    }
    std::string payload;
    append_clock_step_payload(
        payload, {.delta_us = delta / 1000, .source = "step", .synced_after = below(2) == 0});
    path.own_event("clock.step", std::move(payload));
  }

  ByteBuffer some_frame() {
    const auto port = static_cast<unsigned>(1000 + below(6));
    const Ip4 to{.src_last = static_cast<std::uint8_t>(below(4)),
                 .id = static_cast<unsigned>(below(1U << 16U))};
    switch (below(6)) {
      case 0: {
        const ByteBuffer question = ByteBuffer{1, 'a', 0} + be16(1) + be16(1);
        const bool response = below(2) == 0;
        const ByteBuffer message = be16(static_cast<unsigned>(below(4))) +
                                   be16(response ? 0x8180U : 0x0100U) + be16(1) + zeros(6) +
                                   question;
        return ipv4(to, response ? udp(53, port, message) : udp(port, 53, message));
      }
      case 1:
        return ipv4({.src_last = to.src_last, .protocol = 6, .id = to.id},
                    tcp({.src = port,
                         .seq = static_cast<std::uint32_t>(random_()),
                         .flags = static_cast<std::uint8_t>(below(64))},
                        zeros(below(40))));
      case 2:
        return ipv4({.protocol = 17, .id = to.id, .fragment = 0x2000}, udp(port, 9, zeros(16)));
      case 3:
        return zeros(below(30));
      case 4:
        return ipv6(58, ByteBuffer{128, 0, 0, 0} + zeros(4));
      default:
        return ipv4(to, udp(port, 2000, zeros(below(100))));
    }
  }

  void one_step(DataPath& path, std::uint32_t f, std::uint32_t fronts) {
    const auto passes = static_cast<std::int64_t>(below(2 * second));
    machine_.wall_ns += passes;
    machine_.boot_ns += passes;
    Front& front = path.front(f);
    front.observe_clock(Nanoseconds{machine_.wall_ns - machine_.boot_ns});
    switch (below(8)) {
      case 0:
        return set_clock(path, fronts);
      case 1:
        life_.full = !life_.full;
        break;
      case 2:
        lost_.dropped_kernel += below(1000);
        lost_.dropped_nic += below(3);
        lost_.dropped_no_buffer += below(3);
        lost_.link_down = below(2) == 0;
        front.set_source(lost_);
        break;
      case 3:
        front.idle(timestamp(machine_.wall_ns - second / 2));
        break;
      default:
        break;
    }
    for (std::uint64_t packets = below(30); packets > 0; --packets) {
      const Frame frame(ethernet(below(10) == 0 ? 0x86dd : 0x0800, some_frame()),
                        machine_.wall_ns - static_cast<std::int64_t>(below(1000)));
      front.process(frame.raw);
      if (below(5) == 0) front.process(frame.raw);  // mirrored
    }
    path.end_round(f);
  }

  Life& life_;
  Machine& machine_;
  std::mt19937_64& random_;
  SourceStats lost_;
  bool clean_ = true;
};

TEST(PipelinePropertyTest, WhateverHappensToAProbeItsEventsBecomeRows) {
  std::set<std::string> types;
  const unsigned first = environment("DPI_PROPERTY_FIRST", 1);
  const unsigned seeds = environment("DPI_PROPERTY_SEEDS", 30);
  for (unsigned seed = first; seed < first + seeds && !testing::Test::HasFailure(); ++seed) {
    std::mt19937_64 random(seed);
    Life life(seed);
    Machine machine(life, std::array<std::size_t, 4>{0, 1, 2, 300}[random() % 4]);
    Probe probe(life, machine, random);
    for (std::uint64_t runs = 1 + random() % 3; runs > 0; --runs) probe.run();
    types.merge(life.types);
  }
  if (seeds < 10) return;
  for (const char* const type : {"chain.start", "clock.step", "dpi.dns", "dpi.flow", "dpi.scan",
                                 "health.heartbeat", "loss.report", "probe.start", "probe.stop"})
    EXPECT_TRUE(types.contains(type)) << type << " was never sealed: nothing was tried";
}

}  // namespace
}  // namespace dpi::test
