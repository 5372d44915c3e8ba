// The probe's check of itself: what it says when a stage does not do its part.
#include "probe/pipeline/canary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "probe/envelope/envelope.h"
#include "probe/pipeline/data_path.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t patience_us = CanaryWatch::patience_us;

class CanaryWatchTest : public testing::Test {
 protected:
  // Every stage up to and including this one has done its part for canary `n`.
  void pass_stages(std::uint64_t n, std::string_view last) {
    struct Stage {
      std::string_view name;
      std::function<void()> pass;
    };
    const std::vector<Stage> stages{{"decode", [&] { progress_.decoded = n; }},
                                    {"flow",
                                     [&] {
                                       progress_.flow_tracked = n;
                                       progress_.dns_tracked = n;
                                     }},
                                    {"classify", [&] { progress_.classified = n; }},
                                    {"seal",
                                     [&] {
                                       watch_.sealed(CanaryWatch::Kind::flow, n, 10);
                                       watch_.sealed(CanaryWatch::Kind::dns, n, 11);
                                     }},
                                    {"spool",
                                     [&] {
                                       stored_.durable_seq = 12;
                                       stored_.durable_at_us = 2'000'000;
                                       stored_.acked_seq = 10;
                                       watch_.stored(stored_);
                                     }},
                                    {"commit", [&] {
                                       stored_.acked_seq = 12;
                                       stored_.acked_at_us = 2'500'000;
                                       watch_.stored(stored_);
                                     }}};
    for (const Stage& stage : stages) {
      stage.pass();
      if (stage.name == last) return;
    }
  }

  CanaryProgress progress_;
  CanaryWatch watch_{progress_};
  StoredEvents stored_;
};

TEST_F(CanaryWatchTest, OneThatArrivesIsReportedOnceWithItsLags) {
  watch_.ask(1'000'000);
  EXPECT_EQ(progress_.asked, 1U);
  pass_stages(1, "commit");
  const auto report = watch_.report(3'000'000);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->number, 1U);
  EXPECT_EQ(report->stage, "");
  EXPECT_EQ(report->flow_lag_us, 1'500'000U);
  EXPECT_EQ(report->dns_lag_us, 1'500'000U);
  EXPECT_FALSE(watch_.report(9'000'000).has_value());
}

TEST_F(CanaryWatchTest, WithoutADatabaseTheSpoolIsWhereItEnds) {
  watch_.ask(1'000'000);
  pass_stages(1, "seal");
  watch_.stored({.durable_seq = 12, .durable_at_us = 1'200'000, .acked_seq = std::nullopt});
  EXPECT_EQ(watch_.report(9'000'000)->flow_lag_us, 200'000U);
}

TEST_F(CanaryWatchTest, TheStageWhereItStoppedIsNamed) {
  const std::vector<std::string_view> stages{"decode", "flow",  "classify",
                                             "seal",   "spool", "commit"};
  for (std::uint64_t n = 1; n <= stages.size(); ++n) {
    const std::uint64_t asked_at = n * CanaryWatch::commit_patience_us;
    watch_.ask(asked_at);
    if (n > 1) pass_stages(n, stages[n - 2]);
    const bool at_the_end = stages[n - 1] == "commit";
    const std::uint64_t patience = at_the_end ? CanaryWatch::commit_patience_us : patience_us;
    EXPECT_FALSE(watch_.report(asked_at + patience - 1).has_value());
    const auto report = watch_.report(asked_at + patience);
    ASSERT_TRUE(report.has_value()) << stages[n - 1];
    EXPECT_EQ(report->stage, stages[n - 1]);
    EXPECT_FALSE(report->flow_lag_us || report->dns_lag_us);
  }
}

TEST_F(CanaryWatchTest, OneThatIsStillYoungIsNotReportedAndNoneIsReleasedBesideIt) {
  watch_.ask(0);
  EXPECT_FALSE(watch_.report(patience_us - 1).has_value());
  watch_.ask(patience_us - 1);
  EXPECT_EQ(progress_.asked, 1U);
  EXPECT_TRUE(watch_.report(patience_us).has_value());
  watch_.ask(patience_us);
  EXPECT_EQ(progress_.asked, 2U);
}

TEST_F(CanaryWatchTest, EventsOfOneThatWasGivenUpDoNotStandForTheNext) {
  watch_.ask(0);
  EXPECT_TRUE(watch_.report(patience_us).has_value());
  watch_.ask(patience_us);
  pass_stages(2, "classify");
  watch_.sealed(CanaryWatch::Kind::flow, 1, 10);
  watch_.sealed(CanaryWatch::Kind::dns, 1, 11);
  EXPECT_EQ(watch_.report(2 * patience_us)->stage, "seal");
}

// A live journal whose events are kept.
class Lines final : public EventSink {
 public:
  explicit Lines(std::vector<std::string>& lines) : lines_(lines) {}
  Result<void> event(std::uint64_t, std::string_view envelope, std::string_view payload) override {
    lines_.push_back(parse_envelope(envelope)->event_type + " " + std::string{payload});
    return {};
  }
  Result<void> checkpoint(std::string_view, const ChainHead&) override { return {}; }
  Result<void> finish() override { return {}; }

 private:
  std::vector<std::string>& lines_;
};

class Machine final : public LiveSide {
 public:
  SealTime seal_time() override { return {.emitted_at = Timestamp{}, .mono_us = now_us}; }
  void describe(HeartbeatFacts&, std::span<const FrontStats>) override {}
  StoredEvents stored() override {
    return {.durable_seq = ~std::uint64_t{0}, .durable_at_us = now_us};
  }
  void told(const HeartbeatFacts&) override { ++heartbeats; }
  std::atomic<std::uint64_t> now_us{0};
  std::atomic<int> heartbeats{0};
};

class Live : public testing::TestWithParam<std::uint32_t> {};

TEST_P(Live, ACanaryVisitsEachWorkerAndIsInNoCount) {
  const std::uint32_t workers = GetParam();
  const auto pool = WorkerPool::start({.supervisor = {.seed = {1, 2}}, .workers = workers},
                                      *open_ndpi_classifier({}));
  CanaryProgress& progress = (*pool)->canary();
  std::vector<std::string> lines;
  std::vector<std::unique_ptr<EventSink>> sinks;
  sinks.push_back(std::make_unique<Lines>(lines));
  Recorder recorder(Sealer({.hostname = "h", .version = "1", .mode = Mode::live},
                           SigningKey::from_seed(Digest{1})),
                    std::move(sinks), 64);
  Machine machine;
  EventJournal journal({.start_reason = "enrolled",
                        .run_id = {},
                        .probe_version = "1",
                        .ndpi_version = "4",
                        .heartbeat_interval = std::chrono::seconds{1},
                        .live = &machine,
                        .canary = &progress},
                       recorder);
  journal.start();
  DataPath path({.front = {}, .when_behind = WhenBehind::shed}, **pool, journal, recorder);
  const int rounds = 6 * static_cast<int>(workers) + 6;
  for (int s = 0; s < rounds; ++s) {
    path.front(0).idle(timestamp(s * std::int64_t{1'000'000'000}));
    path.release_canary(0);
    path.end_round(0);
    // One at the start, then one a second; each asks for the canary of the next round.
    while (machine.heartbeats < s + 1) std::this_thread::yield();
    machine.now_us += 1'000'000;
  }
  path.front(0).finish(EndReason::forced);
  path.end_round(0);
  path.stop(0);
  path.join();
  journal.finish("signal");
  ASSERT_TRUE(recorder.finish().has_value());

  const std::uint64_t canaries = progress.classified;
  EXPECT_GE(canaries, workers);
  std::uint64_t flows = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t reported = 0;
  std::string last_heartbeat;
  for (const std::string& line : lines) {
    if (line.starts_with("dpi.")) {
      EXPECT_THAT(line, HasSubstr("\"canary\":true"));
    }
    if (line.starts_with("dpi.flow ")) {
      ++flows;
      EXPECT_THAT(line, HasSubstr("\"app\":\"DNS\""));
    }
    if (line.starts_with("dpi.dns ")) {
      ++exchanges;
      EXPECT_THAT(line, HasSubstr("\"outcome\":\"answered\""));
    }
    if (line.starts_with("health.heartbeat ")) last_heartbeat = line;
    if (line.find("\"canary_number\":") != std::string::npos) ++reported;
    EXPECT_THAT(line, Not(HasSubstr("canary_stage")));
  }
  EXPECT_EQ(flows, canaries);
  EXPECT_EQ(exchanges, canaries);
  for (const char* const zero :
       {"\"packets_offered\":0", "\"packets_decoded\":0", "\"flows_started\":0",
        "\"flow_records\":0", "\"flows_active\":0", "\"dns_transactions\":0", "\"dns_messages\":0"})
    EXPECT_THAT(last_heartbeat, HasSubstr(zero));
  EXPECT_GE(reported + 1, canaries);  // the last may be too young
}

INSTANTIATE_TEST_SUITE_P(Workers, Live, testing::Values(1U, 2U, 4U));

}  // namespace
}  // namespace dpi
