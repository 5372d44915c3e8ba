#include <gtest/gtest.h>

#include "probe/envelope/canonical.h"
#include "probe/envelope/chain_verifier.h"
#include "probe/pipeline/data_path.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

// Keeps what it gets and verifies it as a chain; fails on demand.
class MemorySink final : public EventSink {
 public:
  explicit MemorySink(std::vector<std::string>& events, std::uint64_t fail_at)
      : events_(events), fail_at_(fail_at) {}
  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    if (seq == fail_at_) return fail(Errc::sink, "full");
    EXPECT_TRUE(is_canonical_json(payload)) << payload;
    events_.push_back(parse_envelope(envelope)->event_type);
    return verifier_.add_event(envelope, payload);
  }
  Result<void> checkpoint(std::string_view note, const ChainHead&) override {
    return verifier_.add_checkpoint(note);
  }
  Result<void> finish() override {
    auto report = verifier_.finish();
    if (!report) return tl::unexpected(report.error());
    return {};
  }

 private:
  std::vector<std::string>& events_;
  std::uint64_t fail_at_;
  ChainVerifier verifier_;
};

struct Replayed {
  std::vector<std::string> events;
  Result<void> finished;

  explicit Replayed(double seconds, std::uint64_t fail_at = ~std::uint64_t{0},
                    std::uint64_t checkpoint_events = 3) {
    std::vector<std::unique_ptr<EventSink>> sinks;
    sinks.push_back(std::make_unique<MemorySink>(events, fail_at));
    Identity identity{.hostname = "h", .version = "1", .mode = Mode::replay};
    Recorder recorder(Sealer(identity, SigningKey::from_seed(Digest{1})), std::move(sinks),
                      checkpoint_events);
    EventJournal journal({.start_reason = "replay",
                          .run_id = {},
                          .probe_version = "1",
                          .ndpi_version = "4",
                          .heartbeat_interval = std::chrono::seconds{10}},
                         recorder);
    std::vector<std::unique_ptr<Classifier>> classifiers;
    classifiers.push_back(*open_ndpi_classifier({}));
    const auto path = make_data_path({.limits = {}, .seed = {1, 2}, .one_thread = true},
                                     std::move(classifiers), journal, recorder);
    for (double t = 0; t < seconds; t += 1) {
      const Frame frame(ethernet(0x0800, ipv4({}, udp(1000, 2000, {1}))),
                        static_cast<std::int64_t>(t * 1e9));
      path->front(0).process(frame.raw);
    }
    path->front(0).finish(EndReason::forced);
    path->stop(0);
    path->join();
    journal.finish("end_of_input");
    finished = recorder.finish();
  }
  [[nodiscard]] auto count(std::string_view type) const {
    return std::count(events.begin(), events.end(), type);
  }
};

TEST(EventJournalTest, AChainBeginsAndEndsWithItsOwnEvents) {
  const Replayed run(5);
  ASSERT_TRUE(run.finished.has_value()) << run.finished.error().what;
  EXPECT_EQ(run.events, (std::vector<std::string>{"chain.start", "probe.start", "dpi.flow",
                                                  "health.heartbeat", "probe.stop"}));
}

TEST(EventJournalTest, HeartbeatsRunOnPacketTime) {
  const Replayed run(61);
  EXPECT_EQ(run.count("health.heartbeat"), 7) << "one for each ten seconds and one at the end";
}

TEST(EventJournalTest, AnEmptyCaptureIsAChainToo) {
  const Replayed run(0);
  ASSERT_TRUE(run.finished.has_value()) << run.finished.error().what;
  EXPECT_EQ(run.events.size(), 4U);
}

// Of several workers the last facts of one may come behind what ends the capture for another.
TEST(EventJournalTest, AFloodAtTheVeryEndIsToldToo) {
  std::vector<std::string> events;
  std::vector<std::unique_ptr<EventSink>> sinks;
  sinks.push_back(std::make_unique<MemorySink>(events, ~std::uint64_t{0}));
  Identity identity{.hostname = "h", .version = "1", .mode = Mode::replay};
  Recorder recorder(Sealer(identity, SigningKey::from_seed(Digest{1})), std::move(sinks), 3);
  EventJournal journal({.start_reason = "replay",
                        .run_id = {},
                        .probe_version = "1",
                        .ndpi_version = "4",
                        .scan_flows = 2},
                       recorder);
  journal.tick(timestamp(0), {});
  journal.capture_ended({});
  for (int i = 0; i < 5; ++i)
    journal.fact(Fact{.kind = FactKind::flow}, "{}",
                 LoneFlow{.src = {}, .dst = {}, .protocol = ip_protocol::tcp});
  journal.finish("end_of_input");
  ASSERT_TRUE(recorder.finish().has_value());
  EXPECT_EQ(std::count(events.begin(), events.end(), "dpi.flow"), 2);
  EXPECT_EQ(std::count(events.begin(), events.end(), "dpi.scan"), 1);
}

TEST(RecorderTest, SealsNothingMoreAfterASinkFailed) {
  const Replayed run(100, 2);
  ASSERT_FALSE(run.finished.has_value());
  EXPECT_EQ(run.finished.error().what, "full");
  EXPECT_EQ(run.events.size(), 2U);
}

TEST(RecorderTest, ACheckpointOfOneSignsEveryEvent) {
  EXPECT_TRUE(Replayed(30, ~std::uint64_t{0}, 1).finished.has_value());
}

}  // namespace
}  // namespace dpi
