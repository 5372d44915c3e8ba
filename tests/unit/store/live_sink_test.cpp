// A live probe's sink over real files, with a disk that really refuses (RLIMIT_FSIZE).
#include "probe/store/live_sink.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "probe/spool/spool_reader.h"
#include "probe/store/side_sink.h"
#include "tests/unit/store/chain.h"

namespace dpi::test {
namespace {

class LiveSinkTest : public ::testing::Test {
 protected:
  LiveSinkTest() {
    std::string name = ::testing::TempDir() + "live-sink.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~LiveSinkTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<LiveSink> open(std::uint64_t cap_bytes = 1U << 30U) const {
    LiveSinkOptions options;
    options.folder = folder_ / "spool";
    options.instance = Chain::identity().instance;
    options.spool.cap_bytes = cap_bytes;
    auto sink = LiveSink::open(std::move(options));
    if (!sink) ADD_FAILURE() << sink.error().what;
    return sink ? std::move(*sink) : nullptr;
  }
  // Every event once, in order.
  [[nodiscard]] std::uint64_t events_kept() const {
    auto reader = SpoolReader::open(folder_ / "spool");
    EXPECT_TRUE(reader.has_value());
    std::uint64_t next = 0;
    for (;;) {
      const auto batch = reader->next();
      EXPECT_TRUE(batch.has_value()) << batch.error().what;
      if (!batch || !*batch) return next;
      EXPECT_EQ((*batch)->first_seq, next);
      next = (*batch)->next_seq;
    }
  }
  // Until the sink has tried again: it does so every second.
  static void await_room(LiveSink& sink) {
    for (int i = 0; i < 100 && sink.room() == Room::none; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
      sink.idle();
    }
  }

  std::filesystem::path folder_;
};

// Files of this process grow no further while one lives.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &now), 0);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

TEST_F(LiveSinkTest, GoesOnWithItsChainAfterARestart) {
  Chain chain;
  {
    const auto sink = open();
    EXPECT_FALSE(sink->recovered().has_value());
    chain.write(*sink, 10);
    EXPECT_TRUE(sink->finish().has_value());
  }
  const auto sink = open();
  ASSERT_TRUE(sink->recovered().has_value());
  EXPECT_EQ(sink->recovered()->head.tree.size(), 10U);
  chain.write(*sink, 5);
  EXPECT_TRUE(sink->finish().has_value());
  EXPECT_EQ(events_kept(), 15U);
}

TEST_F(LiveSinkTest, AFullDiskLosesNothingThatWasSealed) {
  Chain chain;
  const auto sink = open();
  chain.write(*sink, 10);
  {
    const FullDisk full(sink->stats().spool_bytes + 100);
    chain.write(*sink, 20);  // does not fit
    EXPECT_EQ(sink->room(), Room::none) << "nothing more may be sealed";
    EXPECT_EQ(sink->stats().durable_seq, 10U);
    EXPECT_EQ(sink->stats().commit_errors, 1U);
    EXPECT_FALSE(sink->stats().trouble.empty());
  }
  await_room(*sink);
  ASSERT_EQ(sink->room(), Room::plenty);
  EXPECT_TRUE(sink->stats().trouble.empty()) << sink->stats().trouble;
  chain.write(*sink, 5);
  EXPECT_TRUE(sink->finish().has_value());
  EXPECT_EQ(events_kept(), 35U);
}

TEST_F(LiveSinkTest, SaysSoWhenTheDiskIsStillFullAtTheEnd) {
  Chain chain;
  const auto sink = open();
  chain.write(*sink, 10);
  const FullDisk full(sink->stats().spool_bytes + 100);
  chain.write(*sink, 20);
  const auto finished = sink->finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, Errc::sink);
  EXPECT_NE(finished.error().what.find("20 events could not be made durable"), std::string::npos)
      << finished.error().what;
}

TEST_F(LiveSinkTest, KeepsTheEndOfItsCapForTheChainsOwnEvents) {
  Chain chain;
  const auto sink = open(8U << 20U);
  Room least = Room::plenty;
  while (least == Room::plenty) {
    chain.write(*sink, 500);
    least = std::max(least, sink->room());
  }
  EXPECT_EQ(least, Room::reserved);
  const std::uint64_t there = chain.size();
  chain.write(*sink, 1);
  EXPECT_EQ(sink->stats().durable_seq, there + 1) << "what is reserved can be used";
  while (sink->room() == Room::reserved) chain.write(*sink, 500);
  EXPECT_EQ(sink->room(), Room::none);
  EXPECT_EQ(sink->stats().commit_errors, 0U) << "it said so before a commit was refused";
  EXPECT_TRUE(sink->finish().has_value());
  EXPECT_EQ(events_kept(), chain.size());
}

class FailingSink final : public EventSink {
 public:
  explicit FailingSink(int& calls) : calls_(calls) {}
  Result<void> event(std::uint64_t /*seq*/, std::string_view /*envelope*/,
                     std::string_view /*payload*/) override {
    return ++calls_ < 3 ? Result<void>{} : fail(Errc::sink, "the file is full");
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    ++calls_;
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  int& calls_;
};

TEST_F(LiveSinkTest, AnOutputThatFailsIsLeftOutAndSaidOnce) {
  int calls = 0;
  std::vector<std::string> said;
  const auto side = beside(std::make_unique<FailingSink>(calls),
                           [&](const Error& error) { said.push_back(error.what); });
  Chain chain;
  chain.write(*side, 10);
  chain.write(*side, 10);
  EXPECT_EQ(said, std::vector<std::string>{"the file is full"});
  EXPECT_EQ(calls, 3) << "not called again";
  EXPECT_EQ(side->room(), Room::plenty);
  const auto finished = side->finish();
  ASSERT_FALSE(finished) << "the exit code says so";
  EXPECT_EQ(finished.error().what, "the file is full");
}

}  // namespace
}  // namespace dpi::test
