#include "probe/dns/dns_tracker.h"

#include <gtest/gtest.h>

#include "tests/support/in_order.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

class Collected final : public DnsObserver {
 public:
  void transaction_ended(const DnsTransaction& t) override { rows.push_back(t); }
  std::vector<DnsTransaction> rows;
};

ByteBuffer message(unsigned id, bool response, std::string_view label, unsigned type = 1) {
  return be16(id) + be16(response ? 0x8180 : 0x0100) + be16(1) + zeros(6) +
         ByteBuffer{static_cast<std::uint8_t>(label.size())} + text(label) + ByteBuffer{0} +
         be16(type) + be16(1);
}

class DnsTrackerTest : public ::testing::Test {
 protected:
  explicit DnsTrackerTest(DnsLimits limits = {}) : tracker_(limits, {1, 2}, memory_, seen_) {}

  void see(const ByteBuffer& ip_packet, double seconds) {
    const Frame frame(ethernet(0x0800, ip_packet));
    const PacketView view = decoded(frame).view;
    const Timestamp time = timestamp(static_cast<std::int64_t>(seconds * 1e9));
    advance(tracker_, time);
    const DirectedKey directed = make_key(view, flow_ports(view));
    flow_.key = directed.key;
    if (view.protocol == ip_protocol::tcp) flow_.tcp.observe(view, directed.sender, time);
    tracker_.observe(flow_, directed.sender, view, time, next_packet_++);
  }
  void query(unsigned id, std::string_view label, double seconds, unsigned port = 5000) {
    see(ipv4({}, udp(port, 53, message(id, false, label))), seconds);
  }
  void response(unsigned id, std::string_view label, double seconds, unsigned port = 5000) {
    see(ipv4({.src_last = 2, .dst_last = 1}, udp(53, port, message(id, true, label))), seconds);
  }

  Collected seen_;
  StreamMemory memory_{1U << 20U};
  DnsTracker tracker_;
  Flow flow_;
  std::uint64_t next_packet_ = 1;
};

TEST_F(DnsTrackerTest, PairsByIdQuestionAndEndpoints) {
  query(1, "a", 0);
  response(1, "A", 0.25);  // case does not matter
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
  const DnsTransaction& t = seen_.rows[0];
  EXPECT_EQ(t.outcome, DnsOutcome::answered);
  EXPECT_EQ((t.response_at - t.query_at).count(), second / 4);
  EXPECT_EQ(t.client.port, 5000);
}

// Every query pushes the oldest out of a full table, and every packet comes in a new second: a scan
// of the table for either would take minutes here.
TEST(DnsTrackerLoadTest, AFullTableCostsNoMorePerMessage) {
  Collected seen;
  StreamMemory memory(1U << 20U);
  DnsTracker tracker({.transactions_max = 20'000, .query_timeout = std::chrono::seconds{1'000'000}},
                     {1, 2}, memory, seen);
  constexpr unsigned messages = 60'000;
  for (unsigned i = 0; i < messages; ++i) {
    const Frame frame(
        ethernet(0x0800, ipv4({}, udp(5000, 53, message(7, false, std::to_string(i))))));
    const Timestamp time = timestamp(std::int64_t{i} * second);
    advance(tracker, time);
    tracker.observe(Flow{}, Side::low, decoded(frame).view, time, i);
  }
  finish(tracker);
  ASSERT_EQ(seen.rows.size(), messages);
  for (unsigned i = 0; i < messages; ++i) {
    ASSERT_EQ(seen.rows[i].number >> 16U, i) << "of its packet";
    ASSERT_EQ(has(seen.rows[i].anomalies, Anomaly::dns_table_full), i < messages - 20'000);
  }
}

// RFC 1002 §4.2.12, §4.2.13: a broadcast query, and the owner's answer without a question.
TEST_F(DnsTrackerTest, NetbiosNamesPairWithTheAnswerOfTheirOwner) {
  const ByteBuffer name =
      ByteBuffer{32} + text("FEEFFDFECACACACACACACACACACACACA") + ByteBuffer{0};  // "TEST"<20>
  const ByteBuffer question =
      be16(9) + be16(0x0110) + be16(1) + zeros(6) + name + be16(32) + be16(1);
  const ByteBuffer answer = be16(9) + be16(0x8500) + be16(0) + be16(1) + zeros(4) + name +
                            be16(32) + be16(1) + be32(60) + be16(6) + be16(0x6000) +
                            ByteBuffer{10, 0, 0, 9};
  see(ipv4({.dst_last = 255}, udp(137, 137, question)), 0);
  see(ipv4({.src_last = 9, .dst_last = 1}, udp(137, 137, answer)), 0.5);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
  const DnsTransaction& t = seen_.rows[0];
  EXPECT_EQ(t.service, DnsService::nbns);
  EXPECT_EQ(t.outcome, DnsOutcome::answered);
  EXPECT_EQ(t.query->questions[0].name, "TEST<20>");
  EXPECT_EQ(t.response->records[0].data, "6000%2010.0.0.9");
  EXPECT_EQ(ip_text(t.server.address), "10.0.0.9");
}

TEST_F(DnsTrackerTest, CountsRepeatedQueriesInOneRow) {
  query(1, "a", 0);
  query(1, "a", 1);
  query(1, "a", 2);
  response(1, "a", 2.5);
  response(1, "a", 2.6);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].queries, 3U);
  EXPECT_EQ(seen_.rows[0].responses, 2U);
}

TEST_F(DnsTrackerTest, AnotherPortIdOrQuestionIsAnotherExchange) {
  query(1, "a", 0);
  query(2, "a", 0);
  query(1, "b", 0);
  query(1, "a", 0, 5001);
  finish(tracker_);
  EXPECT_EQ(seen_.rows.size(), 4U);
}

TEST_F(DnsTrackerTest, TellsUnansweredAfterTheTimeout) {
  query(1, "a", 0);
  advance(tracker_, timestamp(9 * second));
  EXPECT_TRUE(seen_.rows.empty());
  advance(tracker_, timestamp(10 * second));
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::unanswered);
}

TEST_F(DnsTrackerTest, TellsOrphansAndMismatches) {
  response(1, "a", 0);
  query(2, "b", 1);
  response(2, "other", 1);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 3U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::orphan);
  EXPECT_EQ(seen_.rows[0].client.port, 5000) << "the one who asked stands first";
  EXPECT_TRUE(has(seen_.rows[1].anomalies, Anomaly::dns_question_mismatch));
  EXPECT_EQ(seen_.rows[2].outcome, DnsOutcome::unanswered);
}

TEST_F(DnsTrackerTest, MalformedMessagesAreRowsWithTheirOffset) {
  see(ipv4({}, udp(5000, 53, be16(7) + be16(0) + be16(1) + zeros(6) + ByteBuffer{5, 'a'})), 0);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::malformed);
  EXPECT_EQ(seen_.rows[0].query->malformed_at, 13U);
}

TEST_F(DnsTrackerTest, MulticastQuestionsAreAnsweredFromOtherAddresses) {
  Ip4 group{.dst_last = 252};
  ByteBuffer ask = ipv4(group, udp(5000, 5355, message(9, false, "host")));
  ask[16] = 224;  // 224.0.0.252
  see(ask, 0);
  see(ipv4({.src_last = 77, .dst_last = 1}, udp(5355, 5000, message(9, true, "host"))), 0.1);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::answered);
  EXPECT_EQ(ip_text(seen_.rows[0].server.address), "10.0.0.77");
  EXPECT_EQ(seen_.rows[0].service, DnsService::llmnr);
}

TEST_F(DnsTrackerTest, QuestionsThatARowLeavesOutAreCounted) {
  for (const unsigned questions : {8U, 9U}) {
    ByteBuffer many = be16(questions) + be16(0x0100) + be16(questions) + zeros(6);
    for (unsigned i = 0; i < questions; ++i)
      many = many + ByteBuffer{1, 'a', 0} + be16(1) + be16(1);
    see(ipv4({}, udp(5000, 53, many)), 0);
  }
  finish(tracker_);
  EXPECT_EQ(
      tracker_.stats().anomalies.counts[static_cast<std::size_t>(Anomaly::dns_records_omitted)],
      1U);
}

TEST_F(DnsTrackerTest, MulticastAnnouncementsStandAlone) {
  ByteBuffer announce = ipv4({.dst_last = 251}, udp(5353, 5353, message(0, true, "printer")));
  announce[16] = 224;
  see(announce, 0);
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::multicast);
  EXPECT_EQ(ip_text(seen_.rows[0].client.address), "10.0.0.1");
}

TEST_F(DnsTrackerTest, ReadsSeveralMessagesOfATcpSegment) {
  const ByteBuffer one = message(1, false, "a");
  const ByteBuffer two = message(2, false, "b");
  const ByteBuffer both =
      be16(static_cast<unsigned>(one.size())) + one + be16(static_cast<unsigned>(two.size())) + two;
  see(ipv4({.protocol = 6}, tcp({.src = 5000, .dst = 53, .seq = 10, .flags = tcp_flag::syn})), 0);
  const ByteBuffer head(both.begin(), both.begin() + 5);
  const ByteBuffer tail(both.begin() + 5, both.end());
  see(ipv4({.protocol = 6}, tcp({.src = 5000, .dst = 53, .seq = 16}, tail)), 0);
  see(ipv4({.protocol = 6}, tcp({.src = 5000, .dst = 53, .seq = 11}, head)), 0);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 2U);
  EXPECT_EQ(seen_.rows[0].transport, DnsTransport::tcp);
}

// A row shows eight questions, and a query's row no records.
TEST(DnsTrackerMemoryTest, KeepsWhatARowCanShow) {
  ByteBuffer longest;
  for (int i = 0; i < 4; ++i) longest = longest + ByteBuffer{62} + ByteBuffer(62, 'a');
  ByteBuffer many = be16(1) + be16(0x0100) + be16(201) + be16(0) + be16(0) + be16(300) + longest +
                    ByteBuffer{0} + be16(1) + be16(1);
  for (int i = 0; i < 200; ++i) many = many + be16(0xc00c) + be16(1) + be16(1);
  for (int i = 0; i < 300; ++i)
    many = many + be16(0xc00c) + be16(2) + be16(1) + be32(0) + be16(2) + be16(0xc00c);
  const DnsMessage message = parse_dns(many);
  EXPECT_FALSE(message.malformed);
  EXPECT_EQ(message.questions.size(), 8U);
  EXPECT_LT(message.memory_bytes(), 5000U);
}

// Responses that keep much count as several: they make room of their own.
TEST(DnsTrackerMemoryTest, TheOldestOfTheLargestHolderGoes) {
  Collected seen;
  StreamMemory memory(1U << 20U);
  DnsTracker tracker({.transactions_max = 64}, {1, 2}, memory, seen);
  std::uint64_t number = 0;
  const auto ask = [&](std::uint8_t client, unsigned id) {
    const Frame frame(
        ethernet(0x0800, ipv4({.src_last = client}, udp(5000, 53, message(id, false, "victim")))));
    tracker.observe(Flow{}, Side::low, decoded(frame).view, timestamp(0), number++);
  };
  ask(7, 1);
  ask(8, 1);
  for (unsigned id = 0; id < 500; ++id) ask(9, id);
  EXPECT_EQ(seen.rows.size(), 502U - 64U);
  for (const DnsTransaction& t : seen.rows)
    EXPECT_EQ(ip_text(t.client.address), "10.0.0.9") << "who floods makes room himself";
  finish(tracker);
  EXPECT_EQ(seen.rows.size(), 502U);
}

class StarvedDnsTrackerTest : public DnsTrackerTest {
 protected:
  StarvedDnsTrackerTest() : DnsTrackerTest(DnsLimits{.streams_max = 4}) {}
  void segment(std::uint32_t slot, Tcp header, const ByteBuffer& data = {}) {
    flow_ = Flow{};
    flow_.slot = slot;
    header.src = 5000 + slot;
    header.dst = 53;
    see(ipv4({.protocol = 6}, tcp(header, data)), 0);
  }
  static ByteBuffer framed(unsigned id) {
    const ByteBuffer one = message(id, false, "a");
    return be16(static_cast<unsigned>(one.size())) + one;
  }
};

TEST_F(StarvedDnsTrackerTest, NothingIsKeptForASyn) {
  for (std::uint32_t slot = 1; slot < 100; ++slot)
    segment(slot, {.seq = 10, .flags = tcp_flag::syn});
  segment(200, {.seq = 11, .flags = tcp_flag::ack}, framed(1));
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
}

TEST_F(StarvedDnsTrackerTest, ConnectionsWithHalfAMessageMakeRoomForOthers) {
  for (std::uint32_t slot = 1; slot < 100; ++slot)
    segment(slot, {.seq = 11, .flags = tcp_flag::ack}, ByteBuffer{0, 40, 1, 2});
  segment(200, {.seq = 11, .flags = tcp_flag::ack}, framed(1));
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
}

TEST_F(DnsTrackerTest, AResponseWithoutQuestionAnswersItsQuery) {
  query(1, "a", 0);
  see(ipv4({.src_last = 2, .dst_last = 1}, udp(53, 5000, be16(1) + be16(0x8181) + zeros(8))), 0.1);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::answered);
  EXPECT_TRUE(seen_.rows[0].anomalies.none());
}

TEST_F(DnsTrackerTest, AResponseThatWasCapturedFirstIsOneExchange) {
  response(1, "a", 0.5);
  query(1, "a", 0.50002);
  response(2, "a", 0.6);
  query(2, "a", 0.7);  // another one: nothing is so late
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 3U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::answered);
  EXPECT_EQ(seen_.rows[1].outcome, DnsOutcome::orphan);
  EXPECT_EQ(seen_.rows[2].outcome, DnsOutcome::unanswered);
}

TEST_F(DnsTrackerTest, AMalformedResponseAnswersWhenItsQuestionIsWhole) {
  query(1, "a", 0);
  ByteBuffer bad = message(1, true, "a");
  bad[7] = 1;  // an answer that is not there
  see(ipv4({.src_last = 2, .dst_last = 1}, udp(53, 5000, bad)), 0.1);
  query(2, "a", 1);
  bad[1] = 2;
  bad[2] = 0x83;  // TC: its sender cut it
  see(ipv4({.src_last = 2, .dst_last = 1}, udp(53, 5000, bad)), 1.1);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 2U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::malformed);
  EXPECT_EQ(seen_.rows[0].responses, 1U);
  EXPECT_EQ(seen_.rows[1].outcome, DnsOutcome::answered);
  EXPECT_TRUE(seen_.rows[1].anomalies.none());
}

TEST_F(DnsTrackerTest, ATransferIsOneRowHoweverSlow) {
  const auto framed = [](const ByteBuffer& one) {
    return be16(static_cast<unsigned>(one.size())) + one;
  };
  const ByteBuffer ask = framed(message(5, false, "zone", 252));
  const ByteBuffer part = framed(be16(5) + be16(0x8400) + zeros(8));
  see(ipv4({.protocol = 6}, tcp({.src = 5000, .dst = 53, .seq = 10, .flags = tcp_flag::syn})), 0);
  see(ipv4({.protocol = 6}, tcp({.src = 5000, .dst = 53, .seq = 11}, ask)), 0);
  see(ipv4({.src_last = 2, .dst_last = 1, .protocol = 6},
           tcp({.src = 53, .dst = 5000, .seq = 100, .flags = tcp_flag::syn | tcp_flag::ack})),
      0);
  std::uint32_t at = 101;
  for (int i = 1; i <= 5; ++i) {
    see(ipv4({.src_last = 2, .dst_last = 1, .protocol = 6},
             tcp({.src = 53, .dst = 5000, .seq = at}, part)),
        i * 30.0);
    at += static_cast<std::uint32_t>(part.size());
  }
  EXPECT_TRUE(seen_.rows.empty());
  tracker_.flow_ended(flow_);
  advance(tracker_, timestamp(160 * second));
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].responses, 5U);
}

TEST_F(DnsTrackerTest, TheServersPortTellsTheService) {
  see(ipv4({}, udp(137, 53, message(1, false, "a"))), 0);
  see(ipv4({.src_last = 2, .dst_last = 1}, udp(53, 137, message(1, true, "a"))), 0.1);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 1U);
  EXPECT_EQ(seen_.rows[0].service, DnsService::dns);
}

TEST_F(DnsTrackerTest, ContentTellsOnAnyPortOnceBothSidesAreBeyondDoubt) {
  const auto ask = [&](unsigned id, double at, unsigned port) {
    see(ipv4({}, udp(port, 443, message(id, false, "cert", 16))), at);
  };
  const auto tell = [&](unsigned id, double at, unsigned port) {
    see(ipv4({.src_last = 2, .dst_last = 1}, udp(443, port, message(id, true, "cert", 16))), at);
  };
  ask(1, 0, 5000);
  ask(2, 0, 5000);
  tell(2, 0.1, 5000);
  ask(3, 0.2, 5000);
  flow_.number = 1;
  ask(4, 0, 6000);  // nobody answers: it need not be DNS
  tell(5, 0, 6001);
  see(ipv4({}, udp(6002, 443, text("certainly no message of any kind"))), 0.3);
  finish(tracker_);
  ASSERT_EQ(seen_.rows.size(), 3U);
  EXPECT_EQ(seen_.rows[0].outcome, DnsOutcome::unanswered);
  EXPECT_EQ(seen_.rows[1].outcome, DnsOutcome::answered);
  EXPECT_EQ(seen_.rows[1].service, DnsService::dns);
  EXPECT_EQ(tracker_.stats().messages, 4U);
}

class SmallDnsTrackerTest : public DnsTrackerTest {
 protected:
  SmallDnsTrackerTest() : DnsTrackerTest(DnsLimits{.transactions_max = 2}) {}
};

TEST_F(SmallDnsTrackerTest, NothingIsDroppedSilentlyWhenTheTableIsFull) {
  for (unsigned id = 0; id < 10; ++id) query(id, "a", 0);
  finish(tracker_);
  EXPECT_EQ(seen_.rows.size(), 10U);
  std::uint64_t messages = 0;
  for (const DnsTransaction& t : seen_.rows) messages += t.queries + t.responses;
  EXPECT_EQ(messages, tracker_.stats().messages);
  EXPECT_TRUE(has(seen_.rows[0].anomalies, Anomaly::dns_table_full));
  EXPECT_EQ(seen_.rows[0].query->id, 0U) << "the oldest goes first";
}

}  // namespace
}  // namespace dpi
