// Outputs that read the spool, over real files: JSON lines, so that a whole chain can be compared.
#include "probe/store/spool_follower.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "probe/spool/spool_folder.h"
#include "probe/store/jsonl_sink.h"
#include "probe/store/live_sink.h"
#include "tests/unit/store/chain.h"

namespace dpi::test {
namespace {

class SpoolFollowerTest : public ::testing::Test {
 protected:
  SpoolFollowerTest() {
    std::string name = ::testing::TempDir() + "spool-follower.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~SpoolFollowerTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<LiveSink> open_chain() {
    LiveSinkOptions options;
    options.folder = folder_ / "spool";
    options.instance = Chain::identity().instance;
    auto sink = LiveSink::open(std::move(options));
    EXPECT_TRUE(sink.has_value()) << sink.error().what;
    return std::move(*sink);
  }
  // The chain and one output of it, running.
  [[nodiscard]] std::unique_ptr<LiveSink> start(const std::filesystem::path& path) {
    auto sink = open_chain();
    LiveSink* const chain = sink.get();
    auto follower =
        SpoolFollower::open({.spool = folder_ / "spool",
                             .output = "jsonl:" + path.string(),
                             .begin = chain->stored().durable_seq,
                             .open =
                                 [path](const Patience&) {
                                   return open_jsonl_sink(path.string(), AppendFile::Begin::behind);
                                 },
                             .durable = [chain] { return chain->durable_commit(); },
                             .say =
                                 [this](const FollowerNews& news) {
                                   const std::lock_guard lock(mutex_);
                                   said_.push_back(news.kind);
                                 }});
    EXPECT_TRUE(follower.has_value()) << follower.error().what;
    follower_ = follower->get();
    sink->add_follower(std::move(*follower));
    EXPECT_TRUE(sink->start_readers());
    return sink;
  }
  // What a sink would have written that was there all the time.
  [[nodiscard]] std::string expected(const std::vector<std::uint64_t>& batches) const {
    const auto path = (folder_ / "expected").string();
    Chain chain;
    auto sink = open_jsonl_sink(path, AppendFile::Begin::anew);
    for (const std::uint64_t events : batches) chain.write(**sink, events);
    EXPECT_TRUE((*sink)->finish());
    return text(path);
  }
  static std::string text(const std::filesystem::path& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  [[nodiscard]] std::size_t said(FollowerNews::Kind kind) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count(said_, kind));
  }
  template <class Condition>
  static bool within_seconds(Condition condition) {
    for (int i = 0; i < 100 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
    return condition();
  }

  std::filesystem::path folder_;
  SpoolFollower* follower_ = nullptr;
  std::mutex mutex_;
  std::vector<FollowerNews::Kind> said_;
};

TEST_F(SpoolFollowerTest, WritesWhatIsDurableSoonAndTheRestAtTheEnd) {
  const auto path = folder_ / "out.jsonl";
  Chain chain;
  auto sink = start(path);
  chain.write(*sink, 3);
  EXPECT_TRUE(within_seconds([&] { return text(path) == expected({3}); }));
  chain.write(*sink, 2);
  EXPECT_TRUE(sink->finish());
  EXPECT_EQ(text(path), expected({3, 2}));
  EXPECT_TRUE(said_.empty());
}

// What says where the output stands was damaged: nobody knows what it lacks, and the rest is
// written.
TEST_F(SpoolFollowerTest, GoesOnWithWhatIsNewWhereItsPositionCannotBeRead) {
  const auto path = folder_ / "out.jsonl";
  const auto position = position_path(folder_ / "spool", "jsonl:" + path.string());
  Chain chain;
  {
    auto sink = start(path);
    chain.write(*sink, 2);
    EXPECT_TRUE(sink->finish());
  }
  for (const std::string_view damaged : {"", "ransomeye-dpi output 1\n", "\x01\x02"}) {
    std::ofstream(position, std::ios::trunc) << damaged;
    std::filesystem::remove(path);
    said_.clear();
    auto sink = start(path);
    EXPECT_EQ(said(FollowerNews::Kind::gap), 1U);
    chain.write(*sink, 1);
    EXPECT_TRUE(sink->finish());
    EXPECT_EQ(std::ranges::count(text(path), '\n'), 2) << "the new event and its checkpoint";
  }
}

// A crash leaves the file anywhere behind what was saved: in the middle of a line, too.
TEST_F(SpoolFollowerTest, GoesOnBehindACrashWithoutLossOrALineTwice) {
  const auto path = folder_ / "out.jsonl";
  const auto position = position_path(folder_ / "spool", "jsonl:" + path.string());
  Chain chain;
  std::string saved;
  {
    auto sink = start(path);
    chain.write(*sink, 2);
    EXPECT_TRUE(sink->finish());
    saved = text(position);
  }
  {
    auto sink = start(path);
    chain.write(*sink, 3);
    EXPECT_TRUE(sink->finish());
  }
  const std::string whole = text(path);
  EXPECT_EQ(whole, expected({2, 3}));
  for (std::size_t bytes = expected({2}).size(); bytes <= whole.size(); bytes += 61) {
    std::ofstream(position, std::ios::trunc) << saved;
    std::filesystem::resize_file(path, bytes);
    auto sink = start(path);
    EXPECT_TRUE(sink->finish());
    ASSERT_EQ(text(path), whole) << bytes;
  }
}

TEST_F(SpoolFollowerTest, BeginsWithWhatIsNewWhenItIsNewItself) {
  const auto path = folder_ / "out.jsonl";
  Chain chain;
  {
    auto sink = open_chain();
    chain.write(*sink, 4);
    EXPECT_TRUE(sink->finish());
  }
  auto sink = start(path);
  chain.write(*sink, 1);
  EXPECT_TRUE(sink->finish());
  const std::string all = expected({4, 1});
  EXPECT_EQ(text(path), all.substr(expected({4}).size()));
}

TEST_F(SpoolFollowerTest, FilesThatAreMovedAwayAreMadeAnew) {
  const auto path = folder_ / "out.jsonl";
  Chain chain;
  auto sink = start(path);
  chain.write(*sink, 2);
  ASSERT_TRUE(within_seconds([&] { return text(path) == expected({2}); }));
  std::filesystem::rename(path, folder_ / "moved");
  sink->reopen_followers();
  ASSERT_TRUE(within_seconds([&] { return std::filesystem::exists(path); }));
  chain.write(*sink, 2);
  EXPECT_TRUE(sink->finish());
  EXPECT_EQ(text(folder_ / "moved") + text(path), expected({2, 2}));
}

// A folder in place of the file, as when a mount is missing: told once, made up for later.
TEST_F(SpoolFollowerTest, WritesTheRestWhenItsPlaceIsThereAgain) {
  const auto folder = folder_ / "log";
  const auto path = folder / "out.jsonl";
  std::filesystem::create_directory(folder);
  Chain chain;
  auto sink = start(path);
  chain.write(*sink, 2);
  ASSERT_TRUE(within_seconds([&] { return follower_->position() == 2; }));
  std::filesystem::rename(folder, folder_ / "away");
  sink->reopen_followers();
  chain.write(*sink, 3);
  ASSERT_TRUE(within_seconds([&] { return said(FollowerNews::Kind::failed) == 1; }));
  EXPECT_EQ(follower_->position(), 2U) << "the spool keeps the rest";
  std::filesystem::rename(folder_ / "away", folder);
  ASSERT_TRUE(within_seconds([&] { return said(FollowerNews::Kind::works) == 1; }));
  EXPECT_TRUE(sink->finish());
  EXPECT_EQ(text(path), expected({2, 3}));
}

TEST_F(SpoolFollowerTest, SaysWhatTheSpoolNoLongerHas) {
  const auto path = folder_ / "out.jsonl";
  Chain chain;
  {
    auto sink = start(path);
    chain.write(*sink, 1);
    EXPECT_TRUE(sink->finish());
  }
  {
    LiveSinkOptions options;
    options.folder = folder_ / "spool";
    options.instance = Chain::identity().instance;
    options.spool.segment_bytes = 1;
    auto sink = LiveSink::open(std::move(options));
    ASSERT_TRUE(sink.has_value());
    for (int i = 0; i < 4; ++i) chain.write(**sink, 2);
    EXPECT_TRUE((*sink)->finish());
  }
  const auto segments = list_segments(posix_storage(), folder_ / "spool");
  ASSERT_TRUE(segments.has_value());
  for (const SegmentFile& file : *segments)
    if (file.first_seq < 5) std::filesystem::remove(file.path);
  auto sink = start(path);
  EXPECT_TRUE(sink->finish());
  EXPECT_EQ(said(FollowerNews::Kind::gap), 1U);
  const std::string all = expected({1, 2, 2, 2, 2});
  EXPECT_TRUE(all.ends_with(text(path).substr(expected({1}).size())));
}

}  // namespace
}  // namespace dpi::test
