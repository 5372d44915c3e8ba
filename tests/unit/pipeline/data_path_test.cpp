// However many workers there are and however they are scheduled: the same events.
#include "probe/pipeline/data_path.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <random>
#include <thread>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

class Lines final : public EventSink {
 public:
  explicit Lines(std::vector<std::string>& lines) : lines_(lines) {}
  Result<void> event(std::uint64_t, std::string_view envelope, std::string_view payload) override {
    lines_.push_back(std::string{envelope} + std::string{payload});
    return {};
  }
  Result<void> checkpoint(std::string_view note, const ChainHead&) override {
    lines_.emplace_back(note);
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  std::vector<std::string>& lines_;
};

// Sleeps at random, in each worker's process otherwise: what a busy machine does to them.
class Dawdling final : public Classifier {
 public:
  Dawdling() {
    verdict_.master = verdict_.app = verdict_.category = verdict_.confidence = "Unknown";
  }
  void inspect(const Flow&, const PacketView&, Timestamp) override {
    if (!seeded_) random_.seed(static_cast<unsigned>(::getpid()));
    seeded_ = true;
    if (random_() % 64 == 0) std::this_thread::yield();
    if (random_() % 512 == 0)
      std::this_thread::sleep_for(std::chrono::microseconds{random_() % 300});
  }
  Verdict verdict(const Flow&) override { return verdict_; }
  Verdict conclude(const Flow&) override { return verdict_; }
  std::string version() const override { return "none"; }

 private:
  bool seeded_ = false;
  std::minstd_rand random_;
  Verdict verdict_;
};

// Flows that expire together, DNS exchanges answered and not, fragments in both orders, time that
// stands still and jumps.
std::deque<Frame> traffic() {
  std::mt19937 random(3);  // NOLINT: repeatable
  std::deque<Frame> frames;
  std::int64_t now = 0;
  for (unsigned i = 0; i < 4000; ++i) {
    now += i % 97 == 0 ? 40 * second : static_cast<std::int64_t>(random() % 20'000'000);
    const auto host = static_cast<std::uint8_t>(1 + random() % 200);
    const Ip4 to{.src_last = host, .dst_last = 250};
    const Ip4 back{.src_last = 250, .dst_last = host};
    const auto port = static_cast<unsigned>(1000 + random() % 50);
    const ByteBuffer question = be16(port) + be16(i % 3 == 0 ? 0x8180 : 0x0100) + be16(1) +
                                zeros(6) + ByteBuffer{1, 'a', 0} + be16(1) + be16(1);
    ByteBuffer packet = ipv4(to, udp(port, 9999, {1}));
    if (i % 4 == 1)
      packet = i % 3 == 0 ? ipv4(back, udp(53, port, question)) : ipv4(to, udp(port, 53, question));
    if (i % 4 == 2)
      packet = ipv4({.src_last = host, .dst_last = 250, .protocol = 6},
                    tcp({.src = port, .dst = 80, .seq = i, .flags = tcp_flag::syn}));
    if (i % 4 == 3) {
      const ByteBuffer datagram = udp(port, 53, question + zeros(40));
      const ByteBuffer head(datagram.begin(), datagram.begin() + 24);
      const ByteBuffer tail(datagram.begin() + 24, datagram.end());
      const Ip4 first{.src_last = host, .dst_last = 250, .id = i, .fragment = 0x2000};
      const Ip4 second_piece{.src_last = host, .dst_last = 250, .id = i, .fragment = 3};
      const bool in_order = random() % 2 == 0;
      frames.emplace_back(ethernet(0x0800, in_order ? ipv4(first, head) : ipv4(second_piece, tail)),
                          now);
      packet = in_order ? ipv4(second_piece, tail) : ipv4(first, head);
    }
    frames.emplace_back(ethernet(0x0800, packet), now);
  }
  return frames;
}

struct Shape {
  std::uint32_t workers;
  std::size_t batch;
  std::size_t rings;  // batches in them: the smaller, the more they wait for each other
};

std::vector<std::string> replay(const std::deque<Frame>& frames, Shape shape) {
  std::vector<std::string> lines;
  std::vector<std::unique_ptr<EventSink>> sinks;
  sinks.push_back(std::make_unique<Lines>(lines));
  const auto pool =
      WorkerPool::start({.supervisor = {.seed = {shape.workers, shape.batch}, .restart = false},
                         .workers = shape.workers,
                         .work_batches = shape.rings,
                         .fact_batches = shape.rings},
                        std::make_unique<Dawdling>());
  Recorder recorder(Sealer({.hostname = "h", .version = "1", .mode = Mode::replay},
                           SigningKey::from_seed(Digest{1})),
                    std::move(sinks), 64);
  EventJournal journal(
      {.start_reason = "replay", .run_id = {}, .probe_version = "1", .ndpi_version = "4"},
      recorder);
  DataPath path({}, **pool, journal, recorder);
  for (int capture = 0; capture < 2; ++capture) {
    for (std::size_t at = 0; at < frames.size(); at += shape.batch) {
      const std::size_t end = std::min(frames.size(), at + shape.batch);
      for (std::size_t i = at; i < end; ++i) path.front(0).process(frames[i].raw);
      path.end_round(0);
    }
    path.front(0).finish(EndReason::forced);
    path.end_round(0);
  }
  path.stop(0);
  path.join();
  journal.finish("end_of_input");
  EXPECT_TRUE(recorder.finish().has_value());
  return lines;
}

TEST(DataPathTest, AnyNumberOfWorkersGivesTheSameBytes) {
  const std::deque<Frame> frames = traffic();
  const std::vector<std::string> alone = replay(frames, {1, 256, 8});
  ASSERT_GT(alone.size(), 4000U);
  for (const Shape& shape : {Shape{1, 5000, 1}, Shape{2, 256, 8}, Shape{2, 1, 2}, Shape{3, 7, 1},
                             Shape{4, 64, 4}, Shape{8, 1000, 2}}) {
    const std::vector<std::string> together = replay(frames, shape);
    EXPECT_EQ(together == alone, true)
        << shape.workers << " workers, batches of " << shape.batch << ", rings of " << shape.rings;
  }
}

// Ends the flows of every worker but the first slowly.
class SlowToEnd final : public Classifier {
 public:
  SlowToEnd() {
    verdict_.master = verdict_.app = verdict_.category = verdict_.confidence = "Unknown";
  }
  void inspect(const Flow&, const PacketView&, Timestamp) override {}
  Verdict verdict(const Flow&) override { return verdict_; }
  Verdict conclude(const Flow& flow) override {
    PacketView first;
    first.protocol = flow.key.protocol;
    first.src = flow.key.low.address;
    first.dst = flow.key.high.address;
    if (lane_of(make_key(first, {flow.key.low.port, flow.key.high.port})) % workers != 0)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    return verdict_;
  }
  std::string version() const override { return "none"; }
  static constexpr std::uint32_t workers = 2;

 private:
  Verdict verdict_;
};

TEST(DataPathTest, OfSeveralFrontsTheLastHeartbeatKnowsWhatEveryWorkerSaidLast) {
  constexpr std::uint32_t fronts = 2;
  constexpr unsigned flows = 32;
  std::vector<std::string> lines;
  std::vector<std::unique_ptr<EventSink>> sinks;
  sinks.push_back(std::make_unique<Lines>(lines));
  Recorder recorder(Sealer({.hostname = "h", .version = "1", .mode = Mode::replay},
                           SigningKey::from_seed(Digest{1})),
                    std::move(sinks), 64);
  EventJournal journal(
      {.start_reason = "replay", .run_id = {}, .probe_version = "1", .ndpi_version = "4"},
      recorder);
  const auto pool = WorkerPool::start({.supervisor = {.seed = {1, 2}},
                                       .workers = SlowToEnd::workers,
                                       .fronts = fronts,
                                       .work_batches = 8,
                                       .fact_batches = 8},
                                      std::make_unique<SlowToEnd>());
  DataPath path({}, **pool, journal, recorder);
  for (unsigned i = 0; i < flows; ++i) {
    const Frame frame(ethernet(0x0800, ipv4({}, udp(1000 + i, 9999, {1}))), second);
    path.front(i % fronts).process(frame.raw);
    path.end_round(i % fronts);
  }
  for (std::uint32_t f = 0; f < fronts; ++f) {
    path.front(f).finish(EndReason::forced);
    path.stop(f);
  }
  path.join();
  journal.finish("end_of_input");
  ASSERT_TRUE(recorder.finish().has_value());
  ASSERT_GE(lines.size(), 3U);
  const auto heartbeat = std::find_if(lines.rbegin(), lines.rend(), [](const std::string& line) {
    return line.find("health.heartbeat") != std::string::npos;
  });
  ASSERT_NE(heartbeat, lines.rend());
  EXPECT_NE(heartbeat->find("\"flow_records\":32,"), std::string::npos) << *heartbeat;
  EXPECT_NE(heartbeat->find("\"flows_active\":0,"), std::string::npos) << *heartbeat;
}

// A sink that fails ends recording, and nobody waits for ever.
class Full final : public EventSink {
 public:
  Result<void> event(std::uint64_t seq, std::string_view, std::string_view) override {
    if (seq > 10) return fail(Errc::sink, "full");
    return {};
  }
  Result<void> checkpoint(std::string_view, const ChainHead&) override { return {}; }
  Result<void> finish() override { return {}; }
};

TEST(DataPathTest, AFailedSinkIsToldAndNobodyWaitsForEver) {
  std::vector<std::unique_ptr<EventSink>> sinks;
  sinks.push_back(std::make_unique<Full>());
  Recorder recorder(Sealer({.hostname = "h", .version = "1", .mode = Mode::replay},
                           SigningKey::from_seed(Digest{1})),
                    std::move(sinks), 64);
  EventJournal journal(
      {.start_reason = "replay", .run_id = {}, .probe_version = "1", .ndpi_version = "4"},
      recorder);
  const auto pool = WorkerPool::start(
      {.supervisor = {.seed = {1, 2}}, .workers = 2, .work_batches = 2, .fact_batches = 2},
      std::make_unique<Dawdling>());
  DataPath path({}, **pool, journal, recorder);
  const std::deque<Frame> frames = traffic();
  for (const Frame& frame : frames) {
    path.front(0).process(frame.raw);
    path.end_round(0);
  }
  path.front(0).finish(EndReason::forced);
  path.stop(0);
  path.join();
  ASSERT_TRUE(recorder.error().has_value());
  EXPECT_EQ(recorder.error()->what, "full");
}

}  // namespace
}  // namespace dpi
