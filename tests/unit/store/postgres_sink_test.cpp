#include "probe/store/postgres_sink.h"

#include "tests/unit/store/store_fixture.h"

namespace dpi::test {
namespace {

class PostgresSinkTest : public StoreFixture {
 protected:
  [[nodiscard]] std::unique_ptr<EventSink> open(std::chrono::seconds patience,
                                                ShipTarget target) const {
    auto sink = open_postgres_sink({.target = std::move(target),
                                    .spool_folder = spool(),
                                    .spool = {.sync = false},
                                    .patience = patience});
    if (!sink) ADD_FAILURE() << sink.error().what;
    return sink ? std::move(*sink) : nullptr;
  }
  [[nodiscard]] std::unique_ptr<EventSink> open(
      std::chrono::seconds patience = std::chrono::seconds{60}) const {
    return open(patience, target());
  }
  [[nodiscard]] std::filesystem::path spool() const { return folder_ / "spool"; }
  void expect_finished(EventSink& sink) const {
    const auto finished = sink.finish();
    EXPECT_TRUE(finished) << finished.error().what;
    EXPECT_FALSE(std::filesystem::exists(spool()));
  }
  void expect_kept(EventSink& sink, const std::string& why) const {
    const auto finished = sink.finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, Errc::sink);
    EXPECT_NE(finished.error().what.find(why), std::string::npos) << finished.error().what;
    EXPECT_NE(finished.error().what.find("kept in " + spool().string()), std::string::npos)
        << finished.error().what;
    EXPECT_TRUE(std::filesystem::exists(spool()));
  }
};

TEST_F(PostgresSinkTest, StoresEverythingOnceAndRemovesItsSpool) {
  const auto sink = open();
  Chain chain;
  for (int i = 0; i < 20; ++i) chain.write(*sink, 25);
  expect_finished(*sink);
  expect_stored(500);
}

TEST_F(PostgresSinkTest, NothingToSayIsNoError) {
  const auto sink = open();
  expect_finished(*sink);
  expect_stored(0);
}

TEST_F(PostgresSinkTest, TheSameReplayAgainStoresNothing) {
  for (int i = 0; i < 2; ++i) {
    const auto sink = open();
    Chain chain;
    chain.write(*sink, 50);
    chain.write(*sink, 1);
    expect_finished(*sink);
    expect_stored(51);
  }
}

TEST_F(PostgresSinkTest, TheServerMayGoAndComeMeanwhile) {
  const auto sink = open();
  Chain chain;
  for (int i = 0; i < 10; ++i) chain.write(*sink, 20);
  cluster_->stop();
  for (int i = 0; i < 10; ++i) chain.write(*sink, 20);
  cluster_->start();
  for (int i = 0; i < 10; ++i) chain.write(*sink, 20);
  expect_finished(*sink);
  expect_stored(600);
}

TEST_F(PostgresSinkTest, WhatCouldNotBeShippedIsKeptAndShippedByTheSameReplay) {
  {
    const auto sink = open(std::chrono::seconds{0});
    Chain chain;
    chain.write(*sink, 30);
    cluster_->stop();
    chain.write(*sink, 30);
    expect_kept(*sink, "database: ");
  }
  cluster_->start();
  const auto sink = open();
  Chain chain;
  chain.write(*sink, 30);
  chain.write(*sink, 30);
  expect_finished(*sink);
  expect_stored(60);
}

TEST_F(PostgresSinkTest, ADamagedSpoolOfAnEarlierRunIsMadeAnew) {
  cluster_->stop();
  {
    const auto sink = open(std::chrono::seconds{0});
    Chain chain;
    chain.write(*sink, 30);
    chain.write(*sink, 30);
    expect_kept(*sink, "is it running");
  }
  cluster_->start();
  for (const auto& entry : std::filesystem::directory_iterator(spool())) {
    if (entry.path().extension() != ".seg") continue;
    std::FILE* const file = std::fopen(entry.path().c_str(), "r+b");
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(std::fseek(file, 200, SEEK_SET), 0);
    EXPECT_EQ(std::fwrite("damage", 1, 6, file), 6U);
    EXPECT_EQ(std::fclose(file), 0);
  }
  const auto sink = open();
  Chain chain;
  chain.write(*sink, 60);
  expect_finished(*sink);
  expect_stored(60);
}

TEST_F(PostgresSinkTest, AForkIsRefusedWithoutPatience) {
  {
    const auto sink = open();
    Chain chain;
    chain.write(*sink, 30);
    expect_finished(*sink);
  }
  const auto sink = open(std::chrono::hours{1});
  Chain fork(12);
  fork.write(*sink, 30);
  fork.write(*sink, 30);
  expect_kept(*sink, "two histories");
  expect_stored(30);
}

TEST_F(PostgresSinkTest, AnotherWriterContractIsRefusedWithoutPatience) {
  serve_contracts(2, 3);
  const auto sink = open(std::chrono::hours{1});
  Chain chain;
  chain.write(*sink, 3);
  expect_kept(*sink, "contracts 2 to 3");
  expect_stored(0);
}

TEST_F(PostgresSinkTest, LeftWithoutFinishItEndsAndNothingIsStoredTwice) {
  {
    const auto sink = open(std::chrono::seconds{0});
    Chain chain;
    for (int i = 0; i < 5; ++i) chain.write(*sink, 100);
  }
  const auto sink = open();
  Chain chain;
  for (int i = 0; i < 5; ++i) chain.write(*sink, 100);
  expect_finished(*sink);
  expect_stored(500);
}

}  // namespace
}  // namespace dpi::test
