#include "probe/store/shipper.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "probe/base/check.h"
#include "probe/store/jsonl_sink.h"
#include "probe/store/live_sink.h"
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
    auto shipped = shipper.ship(commit_max);
    while (shipped && *shipped) shipped = shipper.ship(commit_max);
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
  for (const unsigned events : {1U, 100U, 7U}) chain.write(*spool, events);
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
  expect_refused(second, "fork");
  // Both hashes are where everybody can see them, and nothing of it counts as acknowledged.
  EXPECT_EQ(asked("select kind from re_raw.chain_violation"), "fork");
  EXPECT_EQ(second.acked_seq(), 0U);
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

TEST_F(ShipperTest, ACopyThatIsShorterIsSeenByTheDatabase) {
  const auto spool = new_spool("a");
  Chain chain;
  for (int i = 0; i < 3; ++i) chain.write(*spool, 10);
  Shipper first = shipper("a");
  expect_shipped(first, 30, 0);
  const auto copy = new_spool("b");
  Chain fork(12);
  fork.write(*copy, 10);
  fork.write(*copy, 10);
  Shipper second = shipper("b", false);
  expect_refused(second, "fork");
  EXPECT_EQ(asked("select kind from re_raw.chain_violation"), "fork");
  EXPECT_EQ(second.acked_seq(), 0U);
  expect_stored(30);
}

// Whether it goes on or not: what it sealed next would be a second history.
TEST_F(ShipperTest, ASpoolPutBackToAnOlderStateIsRefusedAndDeletesNothing) {
  const auto spool = new_spool("a");
  Chain chain;
  for (int i = 0; i < 3; ++i) chain.write(*spool, 10);
  Shipper first = shipper("a");
  expect_shipped(first, 30, 0);
  const auto old = new_spool("b");
  Chain again;
  again.write(*old, 10);
  again.write(*old, 10);
  for (int start = 0; start < 3; ++start) {
    Shipper second = shipper("b", false);
    EXPECT_FALSE(second.compare());
    EXPECT_TRUE(second.refused_for_good());
    second.forget_refusal();
    expect_refused(second, "put back to an older state");
    EXPECT_EQ(second.acked_seq(), 0U);
  }
  EXPECT_EQ(asked("select convert_from(offending_envelope, 'UTF8') from re_raw.chain_violation"),
            R"({"database_next_seq":30,"refusal":"spool_behind","spool_next_seq":20})")
      << "told, once";
  expect_stored(30);
}

TEST_F(ShipperTest, ALostSpoolIsRefusedBeforeItBegins) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 10);
  Shipper first = shipper("a");
  expect_shipped(first, 10, 0);
  const auto empty = new_spool("b");
  Shipper second = shipper("b", false);
  EXPECT_FALSE(second.compare());
  EXPECT_TRUE(second.refused_for_good());
  EXPECT_EQ(asked("select count(*) from re_raw.chain_violation"), "1");
}

TEST_F(ShipperTest, ComparingSendsNothingUnlessItDiffers) {
  const auto spool = new_spool("a");
  Chain chain;
  for (int i = 0; i < 2; ++i) chain.write(*spool, 10);
  Shipper first = shipper("a");
  expect_shipped(first, 20, 0);
  chain.write(*spool, 10);
  Shipper same = shipper("a", false);
  EXPECT_TRUE(same.compare());
  expect_stored(20);
  const auto forked = new_spool("b");
  Chain fork(5);
  for (int i = 0; i < 4; ++i) fork.write(*forked, 10);
  Shipper second = shipper("b", false);
  const auto compared = second.compare();
  ASSERT_FALSE(compared);
  EXPECT_TRUE(second.refused_for_good());
  EXPECT_NE(compared.error().what.find("two histories"), std::string::npos);
  EXPECT_EQ(asked("select kind from re_raw.chain_violation"), "fork");
  EXPECT_EQ(second.acked_seq(), 0U);
}

// A row in the database for every attempt would hide all others.
TEST_F(ShipperTest, AForkIsAskedOnceAndNoThreadDies) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 20);
  Shipper first = shipper("a");
  expect_shipped(first, 20, 0);
  const auto forked = new_spool("b");
  Chain fork(10);
  fork.write(*forked, 30);
  Shipping shipping(shipper("b", false), [] { return SpoolReader::any_commit; },
                    {.try_again_when_refused = true});
  const auto attempts = [&] {
    return asked("select coalesce(sum(attempts), 0) from re_raw.violation_counter");
  };
  for (int i = 0; i < 100 && attempts() == "0"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  const std::uint64_t rounds = shipping.rounds();
  std::this_thread::sleep_for(std::chrono::seconds{11});
  EXPECT_GT(shipping.rounds(), rounds) << "the thread lives";
  EXPECT_EQ(attempts(), "1");
  EXPECT_EQ(shipping.stats().attempts_refused, 1U);
  EXPECT_NE(shipping.trouble().find("two histories"), std::string::npos);
  EXPECT_FALSE(shipping.stop());
}

TEST_F(ShipperTest, WhatAnotherDatabaseAcknowledgedDoesNotCountInThisOne) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 20);
  Shipper enrolling = shipper("a");
  expect_shipped(enrolling, 20, 0);
  Shipper first = shipper("a", false);
  expect_shipped(first, 0, 20);
  EXPECT_EQ(first.acked_seq(), 20U);
  cut_connections();
  // A standby that knows another history takes over.
  const std::string admins = cluster_->conninfo("postgres", "postgres");
  static_cast<void>(ask(admins, "drop database " + database_ + " with (force)"));
  const std::string other = cluster_->create_database();
  static_cast<void>(ask(admins, "alter database " + other + " rename to " + database_));
  const auto forked = new_spool("b");
  Chain fork(10);
  fork.write(*forked, 30);
  Shipper second = shipper("b");
  expect_shipped(second, 30, 0);
  chain.write(*spool, 1);
  for (int i = 0; i < 10 && !first.refused(); ++i)
    static_cast<void>(first.ship(SpoolReader::any_commit));
  EXPECT_TRUE(first.refused_for_good());
  EXPECT_EQ(first.acked_seq(), 0U);
}

TEST_F(ShipperTest, DamageBecomesADeclaredGapAndTheRestIsShipped) {
  auto writer = SpoolWriter::open(folder_ / "a", Chain::identity().instance,
                                  {.segment_bytes = 4096, .sync = false});
  DPI_CHECK(writer.has_value());
  SpoolSink sink(std::move(*writer));
  Chain chain;
  for (int i = 0; i < 12; ++i) chain.write(sink, 10);
  std::vector<std::filesystem::path> segments;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "a"))
    if (entry.path().extension() == ".seg") segments.push_back(entry.path());
  std::sort(segments.begin(), segments.end());
  ASSERT_GT(segments.size(), 4U);
  const auto lost_begin = *parse_segment_name(segments[1].filename().string());
  const auto lost_end = *parse_segment_name(segments[2].filename().string());
  std::filesystem::remove(segments[1]);
  {
    std::fstream file(segments[3], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(segments[3]) / 2));
    file.put('\xff');
  }
  Shipper first = shipper("a", true);
  auto shipped = first.ship(SpoolReader::any_commit);
  while (shipped && *shipped) shipped = first.ship(SpoolReader::any_commit);
  ASSERT_TRUE(shipped) << shipped.error().what;
  EXPECT_EQ(asked("select next_seq from re_raw.chain_head"), "120");
  EXPECT_EQ(asked("select count(*) from re_raw.chain_gap"), "2");
  EXPECT_EQ(asked("select first_missing || ' ' || last_missing from re_raw.chain_gap order by 1 "
                  "limit 1"),
            fmt::format("{} {}", lost_begin, lost_end - 1));
  EXPECT_EQ(asked("select sum(last_missing - first_missing + 1) from re_raw.chain_gap"),
            std::to_string(lost_end - lost_begin + 1))
      << "one event more than the lost segment";
  EXPECT_EQ(first.damage().size(), 3U) << "the hole, and before and behind the bad record";
}

TEST_F(ShipperTest, ADatabaseThatWasPutBackIsServedAgain) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 10);
  chain.write(*spool, 10);
  Shipper first = shipper("a");
  expect_shipped(first, 20, 0);
  cut_connections();
  const std::string admins = cluster_->conninfo("postgres", "postgres");
  static_cast<void>(ask(admins, "create database saved template " + database_));
  const auto ship_all = [&] {
    auto shipped = first.ship(SpoolReader::any_commit);
    while (!shipped || *shipped) {
      ASSERT_FALSE(first.refused()) << shipped.error().what;
      shipped = first.ship(SpoolReader::any_commit);
    }
  };
  for (int i = 0; i < 3; ++i) chain.write(*spool, 10);
  ship_all();
  EXPECT_EQ(first.acked_seq(), 50U);
  cut_connections();
  static_cast<void>(ask(admins, "drop database " + database_ + " with (force)"));
  static_cast<void>(ask(admins, "alter database saved rename to " + database_));
  chain.write(*spool, 10);
  ship_all();
  expect_stored(60);
  EXPECT_EQ(asked("select count(*) from re_raw.chain_gap"), "0");
}

TEST_F(ShipperTest, WhatTheSpoolHasNoMoreBecomesADeclaredGap) {
  const auto whole = new_spool("a");
  Chain chain;
  chain.write(*whole, 10);
  Shipper first = shipper("a");
  expect_shipped(first, 10, 0);
  auto writer = SpoolWriter::open(folder_ / "b", Chain::identity().instance,
                                  {.segment_bytes = 4096, .sync = false});
  DPI_CHECK(writer.has_value());
  SpoolSink rest(std::move(*writer));
  Chain longer;
  for (int i = 0; i < 12; ++i) longer.write(rest, 10);
  // As if all of them had been acknowledged by a database that is no more.
  std::size_t removed = 0;
  std::vector<std::filesystem::path> segments;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "b"))
    if (entry.path().extension() == ".seg") segments.push_back(entry.path());
  std::sort(segments.begin(), segments.end());
  ASSERT_GT(segments.size(), 3U);
  for (; removed < 2; ++removed) std::filesystem::remove(segments[removed]);
  Shipper second = shipper("b", false);
  auto shipped = second.ship(SpoolReader::any_commit);
  ASSERT_TRUE(shipped) << shipped.error().what;
  EXPECT_EQ(asked("select next_seq from re_raw.chain_head"), "120");
  EXPECT_EQ(asked("select count(*) from re_raw.chain_gap"), "1");
}

TEST_F(ShipperTest, AReadOnlyServerIsAskedAgainAndNotCalledARefusal) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 3);
  static_cast<void>(asked("alter database " + database_ + " set default_transaction_read_only=on"));
  Shipper first = shipper("a");
  EXPECT_FALSE(first.ship(SpoolReader::any_commit));
  EXPECT_FALSE(first.refused());
  static_cast<void>(ask(cluster_->conninfo("postgres", "postgres"),
                        "alter database " + database_ + " reset default_transaction_read_only"));
  expect_shipped(first, 3, 0);
}

// Also of what it would keep for a restore: acknowledged events yield before new ones are shed.
TEST_F(ShipperTest, AFullSpoolEmptiesByItselfWhenTheDatabaseIsBack) {
  const auto admins = cluster_->conninfo("postgres", "postgres");
  static_cast<void>(
      ask(admins, "alter database " + database_ + " set default_transaction_read_only=on"));
  LiveSinkOptions options;
  options.folder = folder_ / "live";
  options.instance = Chain::identity().instance;
  options.spool = {.segment_bytes = 256U << 10U, .cap_bytes = 4U << 20U, .sync = false};
  options.target = target();
  auto sink = LiveSink::open(std::move(options));
  ASSERT_TRUE(sink) << sink.error().what;
  ASSERT_TRUE((*sink)->start_readers());
  Chain chain;
  while ((*sink)->room() != Room::none) chain.write(**sink, 50);
  static_cast<void>(
      ask(admins, "alter database " + database_ + " reset default_transaction_read_only"));
  for (int i = 0; i < 300 && (*sink)->room() != Room::plenty; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    (*sink)->idle();
  }
  EXPECT_EQ((*sink)->room(), Room::plenty) << "nothing was sealed meanwhile, so nothing committed";
  chain.write(**sink, 1);
  EXPECT_TRUE((*sink)->finish().has_value());
  expect_stored(chain.size());
}

// What the database has acknowledged and an output has not written yet stays.
TEST_F(ShipperTest, TheSpoolKeepsWhatAnOutputLacksBesideTheDatabase) {
  const auto log = folder_ / "log";
  const auto file = log / "all.jsonl";
  std::filesystem::create_directory(log);
  LiveSinkOptions options;
  options.folder = folder_ / "live";
  options.instance = Chain::identity().instance;
  options.spool = {.segment_bytes = 64U << 10U, .cap_bytes = 64U << 20U, .sync = false};
  options.keep_acked_bytes = 0;
  options.target = target();
  auto sink = LiveSink::open(std::move(options));
  ASSERT_TRUE(sink) << sink.error().what;
  LiveSink* const live = sink->get();
  auto follower =
      SpoolFollower::open({.spool = folder_ / "live",
                           .output = "jsonl:" + file.string(),
                           .begin = 0,
                           .open =
                               [file](const Patience&) {
                                 return open_jsonl_sink(file.string(), AppendFile::Begin::behind);
                               },
                           .durable = [live] { return live->durable_commit(); },
                           .say = [](const FollowerNews&) {}});
  ASSERT_TRUE(follower) << follower.error().what;
  live->add_follower(std::move(*follower));
  ASSERT_TRUE(live->start_readers());
  const auto seconds_until = [&](const auto& condition) {
    for (int i = 0; i < 200 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
      live->idle();
    }
    return condition();
  };
  const auto segments = [&] {
    return std::ranges::count_if(
        std::filesystem::directory_iterator(folder_ / "live"),
        [](const auto& each) { return each.path().extension() == ".seg"; });
  };
  const auto lines = [&] {
    std::ifstream in(file);
    return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
  };
  Chain chain;
  chain.write(*live, 1);
  EXPECT_TRUE(seconds_until([&] { return lines() == 2; })) << "the event and its checkpoint";
  std::filesystem::rename(log, folder_ / "gone");
  live->reopen_followers();
  constexpr int batches = 20;
  for (int i = 0; i < batches; ++i) chain.write(*live, 50);
  EXPECT_TRUE(seconds_until([&] {
    return asked("select count(*) from re_raw.raw_event") == std::to_string(chain.size());
  }));
  chain.write(*live, 1);  // a commit, behind which what is not needed goes
  EXPECT_GT(segments(), 5);
  std::filesystem::rename(folder_ / "gone", log);
  EXPECT_TRUE(seconds_until(
      [&] { return lines() == static_cast<std::ptrdiff_t>(chain.size()) + batches + 2; }));
  EXPECT_TRUE(seconds_until([&] {
    chain.write(*live, 1);
    return segments() <= 2;
  })) << segments();
  EXPECT_TRUE(live->finish().has_value());
  expect_stored(chain.size());
}

TEST_F(ShipperTest, ABlockedDatabaseHoldsNobodyUp) {
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 3);
  auto blocker = Postgres::connect(admin());
  ASSERT_TRUE(blocker);
  ASSERT_TRUE(blocker->run("begin; lock table re_raw.chain_head in access exclusive mode"));
  for (const bool replay : {true, false}) {
    Shipping shipping(shipper("a"), [] { return SpoolReader::any_commit; },
                      {.patience = std::chrono::seconds{2}, .to_the_end = replay});
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
    const auto began = std::chrono::steady_clock::now();
    EXPECT_FALSE(shipping.stop());
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{8});
    EXPECT_EQ(shipping.stats().attempts_refused, 0U);
  }
  ASSERT_TRUE(blocker->run("rollback"));
  Shipper after = shipper("a");
  expect_shipped(after, 3, 0);
}

// A listener that takes connections and never says a word.
class Mute {
 public:
  Mute() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    DPI_CHECK(::bind(fd_, any, size) == 0 && ::listen(fd_, 8) == 0);
    DPI_CHECK(::getsockname(fd_, any, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  Mute(const Mute&) = delete;
  Mute& operator=(const Mute&) = delete;
  ~Mute() { ::close(fd_); }
  [[nodiscard]] int port() const { return port_; }

 private:
  int fd_ = -1;
  int port_ = 0;
};

TEST_F(ShipperTest, AMuteServerHoldsNobodyUpAndTheNextHostIsTried) {
  const Mute mute;
  const auto spool = new_spool("a");
  Chain chain;
  chain.write(*spool, 3);
  ShipTarget other = target();
  other.conninfo = fmt::format("host=127.0.0.1 port={} dbname=x", mute.port());
  {
    Shipping shipping(shipper("a", other), [] { return SpoolReader::any_commit; },
                      {.patience = std::chrono::seconds{1}});
    const auto began = std::chrono::steady_clock::now();
    EXPECT_FALSE(shipping.stop());
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{4});
  }
  std::string socket = target().conninfo;
  socket = socket.substr(5, socket.find(' ') - 5);
  other.conninfo = fmt::format(
      "host=127.0.0.1,{} port={},5432 user=writer dbname={} "
      "connect_timeout=1",
      socket, mute.port(), database_);
  Shipper second = shipper("a", other);
  expect_shipped(second, 3, 0);
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
  const auto shipped = second.ship(SpoolReader::any_commit);
  ASSERT_FALSE(shipped);
  EXPECT_EQ(shipped.error().code, Errc::usage);
  EXPECT_NE(shipped.error().what.find("another login has replayed the same"), std::string::npos);
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
