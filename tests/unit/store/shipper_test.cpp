#include "probe/store/shipper.h"

#include "probe/base/check.h"
#include "probe/store/shipping.h"
#include "tests/unit/store/store_fixture.h"

namespace dpi::test {
namespace {

class ShipperTest : public StoreFixture {
 protected:
  [[nodiscard]] std::unique_ptr<SpoolSink> new_spool(const std::string& name) const {
    auto writer = open_new_spool(folder_ / name, Chain::identity().instance, {.sync = false});
    DPI_CHECK(writer.has_value());
    return std::make_unique<SpoolSink>(std::move(*writer));
  }
  [[nodiscard]] Shipper shipper(const std::string& name, bool replay = true) const {
    return shipper(name, target(replay));
  }
  [[nodiscard]] Shipper shipper(const std::string& name, ShipTarget target) const {
    auto reader = SpoolReader::open(folder_ / name);
    DPI_CHECK(reader.has_value());
    return {std::move(target), std::move(*reader)};
  }
  static void expect_shipped(Shipper& shipper, std::uint64_t stored, std::uint64_t known,
                             std::uint64_t commit_max = SpoolReader::any_commit) {
    const auto shipped = shipper.ship(commit_max);
    EXPECT_TRUE(shipped) << shipped.error().what;
    EXPECT_EQ(shipper.report().stored, stored);
    EXPECT_EQ(shipper.report().known, known);
  }
  static void expect_refused(Shipper& shipper, const std::string& why) {
    const auto shipped = shipper.ship(SpoolReader::any_commit);
    ASSERT_FALSE(shipped);
    EXPECT_EQ(shipped.error().code, Errc::sink);
    EXPECT_NE(shipped.error().what.find(why), std::string::npos) << shipped.error().what;
    EXPECT_TRUE(shipper.refused());
    EXPECT_FALSE(shipper.ship(SpoolReader::any_commit));
  }
  // Every session of the writer ends, as after a network fault.
  void cut_connections() const {
    static_cast<void>(
        asked("select count(pg_terminate_backend(pid)) from pg_stat_activity "
              "where usename = 'writer'"));
    for (int i = 0; i < 100 && asked("select count(*) from pg_stat_activity where usename = "
                                     "'writer'") != "0";
         ++i) {
    }
  }
};

TEST_F(ShipperTest, ShipsEveryBatchOnce) {
  const auto spool = new_spool("a");
  Chain chain;
  for (const std::uint64_t events : {1, 100, 7}) chain.write(*spool, events);
  Shipper first = shipper("a");
  expect_shipped(first, 108, 0);
  expect_shipped(first, 108, 0);
  expect_stored(108);
  chain.write(*spool, 12);
  expect_shipped(first, 120, 0);
  expect_stored(120);
  EXPECT_EQ(asked("select count(*) from re_raw.checkpoint"), "4");
}

TEST_F(ShipperTest, AnEmptySpoolIsShipped) {
  const auto spool = new_spool("a");
  Shipper first = shipper("a");
  expect_shipped(first, 0, 0);
}

TEST_F(ShipperTest, ShipsNoFurtherThanIsDurable) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 5);
  const std::uint64_t durable = spool->writer().durable_commit();
  chain.write(*spool, 5);
  Shipper first = shipper("a");
  expect_shipped(first, 5, 0, durable);
  expect_stored(5);
  expect_shipped(first, 10, 0);
}

TEST_F(ShipperTest, WhatTheDatabaseHasIsKnownAndNotStoredAgain) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 40);
  chain.write(*spool, 2);
  Shipper first = shipper("a");
  expect_shipped(first, 42, 0);
  chain.write(*spool, 8);
  Shipper second = shipper("a");
  expect_shipped(second, 8, 42);
  expect_stored(50);
  // The first shipper's idea of the head is old now; the database knows better.
  expect_shipped(first, 42, 8);
  expect_stored(50);
  EXPECT_EQ(asked("select count(*) from re_raw.chain_violation"), "0");
}

TEST_F(ShipperTest, BatchesOfAnotherSizeOverlap) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 10);
  Shipper first = shipper("a");
  expect_shipped(first, 10, 0);
  const auto other = new_spool("b");
  Chain again;
  again.write(*other, 6);
  again.write(*other, 9);
  Shipper second = shipper("b");
  expect_shipped(second, 5, 10);
  expect_stored(15);
}

TEST_F(ShipperTest, GoesOnAfterTheConnectionIsCut) {
  const auto spool = new_spool("a");
  Chain chain;
  Shipper first = shipper("a");
  for (std::uint64_t i = 1; i <= 4; ++i) {
    chain.write(*spool, 25);
    auto shipped = first.ship(SpoolReader::any_commit);
    if (!shipped) {
      EXPECT_EQ(shipped.error().code, Errc::sink);
      EXPECT_FALSE(first.refused());
      expect_shipped(first, 25 * i, 0);
    }
    cut_connections();
  }
  expect_stored(100);
}

TEST_F(ShipperTest, GoesOnAfterTheServerWasAway) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 30);
  Shipper first = shipper("a");
  expect_shipped(first, 30, 0);
  cluster_->stop();
  chain.write(*spool, 30);
  for (int i = 0; i < 2; ++i) {
    const auto shipped = first.ship(SpoolReader::any_commit);
    ASSERT_FALSE(shipped);
    EXPECT_EQ(shipped.error().code, Errc::sink);
    EXPECT_FALSE(first.refused());
  }
  cluster_->start();
  expect_shipped(first, 60, 0);
  expect_stored(60);
}

TEST_F(ShipperTest, AnotherHistoryIsRefused) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 20);
  Shipper first = shipper("a");
  expect_shipped(first, 20, 0);
  // The last common event is in the middle of what the database has.
  const auto forked = new_spool("b");
  Chain fork(10);
  fork.write(*forked, 15);
  fork.write(*forked, 15);
  Shipper second = shipper("b");
  expect_refused(second, "two histories");
  expect_stored(20);
}

TEST_F(ShipperTest, AHistoryThatForksBehindAnotherShippersBackIsRefusedByTheDatabase) {
  const auto forked = new_spool("b");
  Chain fork(0);
  Shipper second = shipper("b");
  expect_shipped(second, 0, 0);  // connected: head at 0
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 20);
  Shipper first = shipper("a");
  expect_shipped(first, 20, 0);
  fork.write(*forked, 20);
  expect_refused(second, "fork");
  expect_stored(20);
  EXPECT_EQ(asked("select kind from re_raw.chain_violation"), "fork");
}

TEST_F(ShipperTest, AnotherWriterContractIsRefused) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 1);
  serve_contracts(2, 3);
  Shipper first = shipper("a");
  expect_refused(first, "contracts 2 to 3");
  expect_stored(0);
}

TEST_F(ShipperTest, ADatabaseWithoutTheBundleIsRefused) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 1);
  ShipTarget other = target();
  other.conninfo = cluster_->conninfo(cluster_->create_database(false), "writer");
  Shipper first = shipper("a", other);
  expect_refused(first, "schema apply");
}

TEST_F(ShipperTest, AnInstanceThatIsNotEnrolledIsRefused) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 1);
  Shipper first = shipper("a", false);
  expect_refused(first, "not enrolled");
}

TEST_F(ShipperTest, AnotherLoginsInstanceIsRefused) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 1);
  Shipper first = shipper("a");
  expect_shipped(first, 1, 0);
  static_cast<void>(asked(
      "do $$ begin if to_regrole('stranger') is null then create role stranger login; end if; end "
      "$$"));
  static_cast<void>(asked("grant re_probe to stranger"));
  ShipTarget other = target();
  other.conninfo = cluster_->conninfo(database_, "stranger");
  Shipper second = shipper("a", other);
  expect_refused(second, "database: ");
  expect_stored(1);
}

TEST_F(ShipperTest, ShippingTellsARefusalFromAnAbsence) {
  const auto any = [] { return SpoolReader::any_commit; };
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 3);
  {
    serve_contracts(2, 3);
    Shipping shipping(shipper("a"), any, {});
    EXPECT_FALSE(shipping.stop());
    EXPECT_EQ(shipping.stats().attempts_failed, 1U);
    EXPECT_EQ(shipping.stats().attempts_refused, 1U);
    EXPECT_EQ(shipping.stats().attempts_again, 0U);
  }
  cluster_->stop();
  {
    Shipping shipping(shipper("a"), any, {.patience = std::chrono::seconds{1}});
    EXPECT_FALSE(shipping.stop());
    const ShippingStats stats = shipping.stats();
    EXPECT_GE(stats.attempts_failed, 2U);
    EXPECT_EQ(stats.attempts_again, stats.attempts_failed - 1);
    EXPECT_EQ(stats.attempts_refused, 0U);
  }
  cluster_->start();
}

}  // namespace
}  // namespace dpi::test
