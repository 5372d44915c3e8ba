// When a live probe's journal seals a heartbeat.
#include <gtest/gtest.h>

#include "probe/envelope/envelope.h"
#include "probe/pipeline/event_journal.h"

namespace dpi {
namespace {

class Heartbeats final : public EventSink {
 public:
  Heartbeats(int& count, std::string& last) : count_(count), last_(last) {}
  Result<void> event(std::uint64_t, std::string_view envelope, std::string_view payload) override {
    const auto type = parse_envelope(envelope)->event_type;
    if (type == "health.heartbeat") ++count_;
    if (type == "health.heartbeat" || type == "probe.start") last_ = payload;
    return {};
  }
  Result<void> checkpoint(std::string_view, const ChainHead&) override { return {}; }
  Result<void> finish() override { return {}; }

 private:
  int& count_;
  std::string& last_;
};

class Machine final : public LiveSide {
 public:
  SealTime seal_time() override { return now; }
  void describe(HeartbeatFacts&, std::span<const FrontStats>) override {}
  StoredEvents stored() override { return state; }
  StoredEvents state;
  SealTime now{.emitted_at = Timestamp{}, .mono_us = 0};
};

class LiveJournal : public testing::Test {
 protected:
  LiveJournal() { journal_.start(); }
  void tick(int second) {
    journal_.tick(timestamp(second * std::int64_t{1'000'000'000}), {}, fronts_);
  }
  static std::vector<std::unique_ptr<EventSink>> sinks(int& count, std::string& last) {
    std::vector<std::unique_ptr<EventSink>> out;
    out.push_back(std::make_unique<Heartbeats>(count, last));
    return out;
  }

  [[nodiscard]] bool last_says(std::string_view text) const {
    return last_.find(text) != std::string::npos;
  }

  int heartbeats_ = 0;
  std::string last_;  // payload of the last heartbeat or start
  Machine machine_;
  std::vector<FrontStats> fronts_{2};
  Recorder recorder_{Sealer({.hostname = "h", .version = "1", .mode = Mode::live},
                            SigningKey::from_seed(Digest{1})),
                     sinks(heartbeats_, last_), 64};
  EventJournal journal_{{.start_reason = "enrolled",
                         .run_id = {},
                         .probe_version = "1",
                         .ndpi_version = "4",
                         .software = {.libpcap_version = "1.10.3", .build_sha256 = Digest{}},
                         .live = &machine_},
                        recorder_};
};

TEST_F(LiveJournal, AtTheStartAndEveryInterval) {
  EXPECT_EQ(heartbeats_, 1);
  for (int s = 1; s < 10; ++s) tick(s);
  EXPECT_EQ(heartbeats_, 1);
  tick(10);
  EXPECT_EQ(heartbeats_, 2);
}

TEST_F(LiveJournal, AtOnceWhenALinkTheDiskOrTheDatabaseGoesAwayOrComesBack) {
  tick(1);
  fronts_[1].front = 1;
  fronts_[1].source.link_down = true;
  tick(2);
  EXPECT_EQ(heartbeats_, 2);
  machine_.state.database_ok = false;
  tick(3);
  EXPECT_EQ(heartbeats_, 3);
  machine_.state.disk_ok = false;
  tick(4);
  EXPECT_EQ(heartbeats_, 4);
  tick(5);
  EXPECT_EQ(heartbeats_, 4);
  machine_.state = {};
  fronts_[1].source.link_down = false;
  tick(6);
  EXPECT_EQ(heartbeats_, 5);
}

TEST_F(LiveJournal, SaysHowFarTheRecorderIsBehindTheNewestPacketTime) {
  EXPECT_FALSE(last_says("recorder_lag_us"));  // nothing has come yet
  machine_.now = {.emitted_at = timestamp(10'000'250'000), .mono_us = 10'000'250};
  tick(10);
  EXPECT_TRUE(last_says("\"recorder_lag_us\":250,")) << last_;
  machine_.now.emitted_at = timestamp(19'000'000'000);  // the clock was set back
  tick(20);
  EXPECT_TRUE(last_says("\"recorder_lag_us\":0,")) << last_;
}

TEST_F(LiveJournal, SaysHowOldTheOldestUnsignedEventIs) {
  machine_.now.mono_us = 1'000'000;
  tick(10);
  EXPECT_FALSE(last_says("unsigned_ms"));  // a heartbeat is signed at once, so nothing waits
  const std::string payload = "{}";
  Fact fact;
  fact.kind = FactKind::flow;
  journal_.fact(fact, payload);
  machine_.now.mono_us = 3'500'000;
  tick(20);
  EXPECT_TRUE(last_says("\"unsigned_events\":1,\"unsigned_ms\":2500,")) << last_;
}

TEST_F(LiveJournal, SaysWhatSoftwareRuns) {
  tick(10);
  EXPECT_TRUE(last_says("\"libpcap_version\":\"1.10.3\"")) << last_;
  EXPECT_TRUE(last_says("\"build_sha256\":\"0000")) << last_;
  EXPECT_FALSE(last_says("ndpi_library_sha256"));
}

}  // namespace
}  // namespace dpi
