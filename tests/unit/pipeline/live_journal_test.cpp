// When a live probe's journal seals a heartbeat.
#include <gtest/gtest.h>

#include "probe/envelope/envelope.h"
#include "probe/pipeline/event_journal.h"

namespace dpi {
namespace {

class Heartbeats final : public EventSink {
 public:
  Heartbeats(int& count, std::string& last, std::vector<std::string>& losses, const Room& room)
      : count_(count), last_(last), losses_(losses), room_(room) {}
  [[nodiscard]] Room room() const noexcept override { return room_; }
  Result<void> event(std::uint64_t, std::string_view envelope, std::string_view payload) override {
    const auto type = parse_envelope(envelope)->event_type;
    if (type == "health.heartbeat") ++count_;
    if (type == "health.heartbeat") last_ = payload;
    if (type == "probe.start") losses_.emplace_back(payload);
    if (type == "loss.report") losses_.emplace_back(payload);
    return {};
  }
  Result<void> checkpoint(std::string_view, const ChainHead&) override { return {}; }
  Result<void> finish() override { return {}; }

 private:
  int& count_;
  std::string& last_;
  std::vector<std::string>& losses_;
  const Room& room_;
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
  LiveJournal() {
    journal_.start();
    start_ = std::move(losses_.front());
    losses_.clear();
  }
  // A second of packet time and of the machine's own.
  void tick(int second) {
    machine_.now.mono_us = static_cast<std::uint64_t>(second) * 1'000'000;
    journal_.tick(timestamp(second * std::int64_t{1'000'000'000}), {}, fronts_);
  }
  static std::vector<std::unique_ptr<EventSink>> sinks(int& count, std::string& last,
                                                       std::vector<std::string>& losses,
                                                       const Room& room) {
    std::vector<std::unique_ptr<EventSink>> out;
    out.push_back(std::make_unique<Heartbeats>(count, last, losses, room));
    return out;
  }

  // It ended at second 100, and the clock was set back before this one began.
  static LastRun last_run() {
    LastRun out;
    out.clean_shutdown = false;
    out.last_emitted_at = timestamp(100'000'000'000);
    return out;
  }

  [[nodiscard]] bool last_says(std::string_view text) const {
    return last_.find(text) != std::string::npos;
  }

  int heartbeats_ = 0;
  std::string last_;  // payload of the last heartbeat or start
  std::string start_;
  std::vector<std::string> losses_;
  Room room_ = Room::plenty;
  Machine machine_;
  std::vector<FrontStats> fronts_{2};
  Recorder recorder_{Sealer({.hostname = "h", .version = "1", .mode = Mode::live},
                            SigningKey::from_seed(Digest{1})),
                     sinks(heartbeats_, last_, losses_, room_), 64};
  EventJournal journal_{{.start_reason = "enrolled",
                         .run_id = {},
                         .probe_version = "1",
                         .ndpi_version = "4",
                         .software = {.libpcap_version = "1.10.3", .build_sha256 = Digest{}},
                         .last_run = last_run(),
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

TEST_F(LiveJournal, WhenNoSecondComesThroughTheWorkersHeartbeatsComeAllTheSame) {
  tick(10);
  EXPECT_EQ(heartbeats_, 2);
  machine_.now = {.emitted_at = timestamp(21'000'000'000), .mono_us = 21'000'000};
  journal_.idle();
  EXPECT_EQ(heartbeats_, 2) << "a second may be late";
  machine_.now = {.emitted_at = timestamp(22'500'000'000), .mono_us = 22'500'000};
  journal_.idle();
  EXPECT_EQ(heartbeats_, 3);
  EXPECT_TRUE(last_says("\"interval_ms\":12500,")) << last_;
  journal_.idle();
  EXPECT_EQ(heartbeats_, 3);
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
  tick(10);
  EXPECT_FALSE(last_says("unsigned_ms"));  // a heartbeat is signed at once, so nothing waits
  const std::string payload = "{}";
  Fact fact;
  fact.kind = FactKind::flow;
  journal_.fact(fact, payload);
  tick(20);
  EXPECT_TRUE(last_says("\"unsigned_events\":1,\"unsigned_ms\":10000,")) << last_;
}

TEST_F(LiveJournal, AnUncleanEndLeavesALossWindowThatIsNeverNegative) {
  EXPECT_NE(start_.find("\"loss_window\":{\"from\":\"1970-01-01T00:01:40.000000000Z\",\"to\":"
                        "\"1970-01-01T00:01:40.000000000Z\"}"),
            std::string::npos)
      << start_;
}

TEST_F(LiveJournal, AClockThatIsSetStopsNoHeartbeatAndMakesNoIntervalNegative) {
  tick(10);
  EXPECT_TRUE(last_says("\"interval_ms\":10000,")) << last_;
  fronts_[0].source.dropped_kernel = 7;
  PipelineStats stats;
  stats.front.source.dropped_kernel = 7;
  for (const std::int64_t second : {-3590, 40, -3570}) {
    const int before = heartbeats_;
    machine_.now.mono_us += 10'000'000;
    machine_.now.emitted_at = timestamp((7200 + second) * std::int64_t{1'000'000'000});
    stats.front.source.dropped_kernel += 5;
    journal_.tick(machine_.now.emitted_at, stats, fronts_);
    EXPECT_EQ(heartbeats_, before + 1);
    EXPECT_TRUE(last_says("\"interval_ms\":10000,")) << last_;
    ASSERT_EQ(losses_.size(), static_cast<std::size_t>(before - 1));
    const std::string& loss = losses_.back();
    const auto time_of = [&](std::string_view name) {
      return loss.substr(loss.find(name) + name.size() + 3, 30);
    };
    EXPECT_LT(time_of("interval_start"), time_of("interval_end")) << loss;
  }
}

TEST_F(LiveJournal, WhatWasShedIsToldWhenThereIsRoomAgain) {
  tick(10);
  room_ = Room::none;
  Fact fact;
  fact.kind = FactKind::flow;
  for (int i = 0; i < 3; ++i) journal_.fact(fact, "{}");
  tick(20);
  tick(30);
  EXPECT_EQ(heartbeats_, 2);
  EXPECT_TRUE(losses_.empty());
  room_ = Room::plenty;
  tick(40);
  ASSERT_EQ(losses_.size(), 1U);
  EXPECT_NE(losses_[0].find("{\"count\":3,\"event_type\":\"dpi.flow\"}"), std::string::npos)
      << losses_[0];
  // The heartbeat before is one that the chain has.
  EXPECT_TRUE(last_says("\"heartbeat_number\":2,\"")) << last_;
  EXPECT_TRUE(last_says("\"interval_ms\":30000,")) << last_;
  tick(50);
  EXPECT_EQ(losses_.size(), 1U);
}

TEST_F(LiveJournal, SaysWhatSoftwareRuns) {
  tick(10);
  EXPECT_TRUE(last_says("\"libpcap_version\":\"1.10.3\"")) << last_;
  EXPECT_TRUE(last_says("\"build_sha256\":\"0000")) << last_;
  EXPECT_FALSE(last_says("ndpi_library_sha256"));
}

}  // namespace
}  // namespace dpi
