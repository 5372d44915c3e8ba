// When a live probe's journal seals a heartbeat.
#include <gtest/gtest.h>

#include "probe/envelope/envelope.h"
#include "probe/pipeline/event_journal.h"

namespace dpi {
namespace {

class Heartbeats final : public EventSink {
 public:
  explicit Heartbeats(int& count) : count_(count) {}
  Result<void> event(std::uint64_t, std::string_view envelope, std::string_view) override {
    if (parse_envelope(envelope)->event_type == "health.heartbeat") ++count_;
    return {};
  }
  Result<void> checkpoint(std::string_view, const ChainHead&) override { return {}; }
  Result<void> finish() override { return {}; }

 private:
  int& count_;
};

class Machine final : public LiveSide {
 public:
  SealTime seal_time() override { return {.emitted_at = Timestamp{}, .mono_us = 0}; }
  void describe(HeartbeatFacts&, std::span<const FrontStats>) override {}
  StoredEvents stored() override { return state; }
  StoredEvents state;
};

class LiveJournal : public testing::Test {
 protected:
  LiveJournal() { journal_.start(); }
  void tick(int second) {
    journal_.tick(timestamp(second * std::int64_t{1'000'000'000}), {}, fronts_);
  }
  static std::vector<std::unique_ptr<EventSink>> sinks(int& count) {
    std::vector<std::unique_ptr<EventSink>> out;
    out.push_back(std::make_unique<Heartbeats>(count));
    return out;
  }

  int heartbeats_ = 0;
  Machine machine_;
  std::vector<FrontStats> fronts_{2};
  Recorder recorder_{Sealer({.hostname = "h", .version = "1", .mode = Mode::live},
                            SigningKey::from_seed(Digest{1})),
                     sinks(heartbeats_), 64};
  EventJournal journal_{{.start_reason = "enrolled",
                         .run_id = {},
                         .probe_version = "1",
                         .ndpi_version = "4",
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

}  // namespace
}  // namespace dpi
