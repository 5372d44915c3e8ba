// Workers that die of a packet: what is told of it, what is kept, and how a replay comes to its
// end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>

#include "probe/pipeline/data_path.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

class Lines final : public EventSink {
 public:
  explicit Lines(std::vector<std::string>& lines) : lines_(lines) {}
  Result<void> event(std::uint64_t, std::string_view, std::string_view payload) override {
    lines_.emplace_back(payload);
    return {};
  }
  Result<void> checkpoint(std::string_view, const ChainHead&) override { return {}; }
  Result<void> finish() override { return {}; }

 private:
  std::vector<std::string>& lines_;
};

constexpr std::uint8_t crashes = 0xde;
constexpr std::uint8_t loops = 0xdf;
constexpr std::uint8_t crashes_at_the_end = 0xe0;

class Frail final : public Classifier {
 public:
  Frail() { verdict_.master = verdict_.app = verdict_.category = verdict_.confidence = "Unknown"; }
  void inspect(const Flow& flow, const PacketView& view, Timestamp) override {
    if (view.payload.empty()) return;
    if (view.payload[0] == crashes) std::abort();
    while (view.payload[0] == loops) std::atomic_signal_fence(std::memory_order_seq_cst);
    if (view.payload[0] == crashes_at_the_end) doomed_ = flow.number;
  }
  Verdict verdict(const Flow&) override { return verdict_; }
  Verdict conclude(const Flow& flow) override {
    if (flow.number == doomed_) std::abort();
    return verdict_;
  }
  [[nodiscard]] std::string version() const override { return "none"; }

 private:
  Verdict verdict_;
  std::uint64_t doomed_ = 0;
};

// Packets of many flows, a millisecond apart; one of them has the payload.
std::deque<Frame> traffic(std::uint8_t payload) {
  std::deque<Frame> frames;
  for (unsigned i = 0; i < 200; ++i) {
    const Ip4 to{.src_last = static_cast<std::uint8_t>(1 + i % 40), .dst_last = 250};
    const std::uint8_t first = i == 100 ? payload : 1;
    frames.emplace_back(ethernet(0x0800, ipv4(to, udp(1000 + i % 40, 9999, {first}))),
                        i * std::int64_t{1'000'000});
  }
  return frames;
}

struct Outcome {
  std::vector<std::string> lines;
  std::vector<WorkerDeath::At> deaths;
  std::vector<bool> stuck;
  bool broken = false;
  std::uint64_t told = 0;
};

class Trial {
 public:
  Trial(std::uint32_t workers, bool restart)
      : pool_(*WorkerPool::start({.supervisor = {.seed = {1, 2},
                                                 .restart = restart,
                                                 .cpu_budget = std::chrono::milliseconds{200}},
                                  .workers = workers},
                                 std::make_unique<Frail>())) {
    std::vector<std::unique_ptr<EventSink>> sinks;
    sinks.push_back(std::make_unique<Lines>(out_.lines));
    recorder_.emplace(Sealer({.hostname = "h", .version = "1", .mode = Mode::replay},
                             SigningKey::from_seed(Digest{1})),
                      std::move(sinks), 64);
    journal_.emplace(
        JournalSettings{
            .start_reason = "replay", .run_id = {}, .probe_version = "1", .ndpi_version = "4"},
        *recorder_);
  }

  Outcome& play(const std::deque<Frame>& frames, std::span<const LeftOut> left_out = {}) {
    DataPath path({.front = {},
                   .left_out = left_out,
                   .told_before = out_.told,
                   .died =
                       [&](const WorkerDeath& death) {
                         out_.deaths.push_back(death.at);
                         out_.stuck.push_back(death.stuck);
                         last_ = LeftOut{death.at == WorkerDeath::At::conclusion
                                             ? LeftOut::What::conclusion
                                             : LeftOut::What::dissection,
                                         death.number};
                         packet_.assign(death.captured().begin(), death.captured().end());
                         return std::string{};
                       }},
                  *pool_, *journal_, *recorder_);
    for (const Frame& frame : frames) {
      path.front(0).process(frame.raw);
      path.end_round(0);
    }
    path.front(0).finish(EndReason::forced);
    path.end_round(0);
    path.stop(0);
    path.join();
    out_.broken = path.broken();
    out_.told = path.told();
    if (!out_.broken) journal_->finish("end_of_input");
    return out_;
  }
  [[nodiscard]] LeftOut last() const { return last_; }
  [[nodiscard]] const ByteBuffer& packet() const { return packet_; }

 private:
  Outcome out_;
  std::unique_ptr<WorkerPool> pool_;
  std::optional<Recorder> recorder_;
  std::optional<EventJournal> journal_;
  LeftOut last_;
  ByteBuffer packet_;
};

std::size_t flows(const std::vector<std::string>& lines) {
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.find("\"end_reason\":") != std::string::npos;
  }));
}

TEST(WorkerDeathTest, ALiveWorkerIsStartedAgainBehindThePacketThatEndedIt) {
  for (const std::uint32_t workers : {1U, 3U}) {
    Trial run(workers, true);
    const Outcome& out = run.play(traffic(crashes));
    EXPECT_EQ(out.deaths, std::vector{WorkerDeath::At::packet});
    EXPECT_FALSE(out.broken);
    EXPECT_GE(flows(out.lines), 39U) << "all others go on";
    EXPECT_THAT(out.lines.back(), testing::HasSubstr("end_of_input"));
    ASSERT_EQ(run.packet().size(), 29U) << "IP, UDP and a byte";
    EXPECT_EQ(run.packet().back(), crashes);
    const auto beat = out.lines[out.lines.size() - 2];
    EXPECT_THAT(beat, testing::HasSubstr("\"cause\":\"worker_crash\""));
  }
}

TEST(WorkerDeathTest, AWorkerThatMakesNoProgressIsEnded) {
  Trial run(2, true);
  const Outcome& out = run.play(traffic(loops));
  EXPECT_EQ(out.deaths, std::vector{WorkerDeath::At::packet});
  EXPECT_EQ(out.stuck, std::vector{true});
}

TEST(WorkerDeathTest, AFlowThatNdpiDoesNotConcludeIsNamed) {
  Trial run(1, true);
  const Outcome& out = run.play(traffic(crashes_at_the_end));
  EXPECT_EQ(out.deaths, std::vector{WorkerDeath::At::conclusion});
}

TEST(WorkerDeathTest, AReplayThatBeginsAgainIsTheSameWithAnyNumberOfWorkers) {
  for (const std::uint8_t deed : {crashes, crashes_at_the_end}) {
    std::vector<std::string> first;
    for (const std::uint32_t workers : {1U, 2U, 5U}) {
      Trial run(workers, false);
      EXPECT_TRUE(run.play(traffic(deed)).broken);
      const std::vector<LeftOut> left_out{run.last()};
      const Outcome& out = run.play(traffic(deed), left_out);
      EXPECT_FALSE(out.broken);
      EXPECT_EQ(flows(out.lines), 40U);
      if (first.empty()) first = out.lines;
      EXPECT_EQ(out.lines, first) << workers;
    }
  }
}

}  // namespace
}  // namespace dpi
