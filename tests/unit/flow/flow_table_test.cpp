#include "probe/flow/flow_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/in_order.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

struct Record {
  FlowKey key;
  std::uint64_t number;
  std::uint64_t record;
  std::uint64_t packets;
  std::uint64_t bytes;
  EndReason reason;
  bool final;
  Orientation orientation;
  std::uint16_t initiator_port;
  std::uint64_t retransmits;
  bool operator==(const Record&) const = default;
};

class Recorded final : public FlowObserver {
 public:
  void flow_ended(const Flow& flow, EndReason reason, bool final) override {
    records.push_back({flow.key, flow.number, flow.record,
                       flow.sides[0].packets + flow.sides[1].packets,
                       flow.sides[0].ip_bytes + flow.sides[1].ip_bytes, reason, final,
                       flow.orientation, flow.endpoint(flow.initiator).port,
                       std::uint64_t{flow.tcp.side(Side::low).retransmits} +
                           flow.tcp.side(Side::high).retransmits});
  }
  std::vector<Record> records;
};

class FlowTableTest : public ::testing::Test {
 protected:
  explicit FlowTableTest(FlowLimits limits = {}) : table_(limits, seen_) {}

  void see(const ByteBuffer& ip_packet, double seconds) { see_in(table_, ip_packet, seconds); }
  void see_in(FlowTable& table, const ByteBuffer& ip_packet, double seconds) {
    see_frame_in(table, ethernet(0x0800, ip_packet), seconds);
  }
  void see_frame_in(FlowTable& table, const ByteBuffer& bytes, double seconds) {
    const Frame frame(bytes);
    const PacketView view = decoded(frame).view;
    const Timestamp time = timestamp(static_cast<std::int64_t>(seconds * 1e9));
    advance(table, time);
    table.add({view, make_key(view, flow_ports(view)), time, next_number_++});
  }
  static ByteBuffer datagram(unsigned port) { return ipv4({}, udp(port, 9999, {1})); }
  static ByteBuffer segment(std::uint8_t flags, bool back = false, std::uint32_t seq = 1) {
    const Ip4 ip{.src_last = static_cast<std::uint8_t>(back ? 2 : 1),
                 .dst_last = static_cast<std::uint8_t>(back ? 1 : 2),
                 .protocol = 6};
    return ipv4(ip, tcp({.src = back ? 80U : 40000U,
                         .dst = back ? 40000U : 80U,
                         .seq = seq,
                         .ack = 1,
                         .flags = flags}));
  }

  Recorded seen_;
  FlowTable table_;
  std::uint64_t next_number_ = 0;
};

TEST_F(FlowTableTest, EndsAnIdleFlowOnTheSecondThatFollows) {
  see(datagram(1), 0.5);
  advance(table_, timestamp(30 * second + second / 4));
  EXPECT_TRUE(seen_.records.empty());
  advance(table_, timestamp(31 * second));
  ASSERT_EQ(seen_.records.size(), 1U);
  EXPECT_EQ(seen_.records[0].reason, EndReason::idle);
  EXPECT_TRUE(seen_.records[0].final);
}

TEST_F(FlowTableTest, ACloseLingersAndSaysHowItEnded) {
  see(segment(tcp_flag::syn), 0);
  see(segment(tcp_flag::fin | tcp_flag::ack), 1);
  see(segment(tcp_flag::fin | tcp_flag::ack, true), 1);
  see(segment(tcp_flag::ack, false, 2), 2);
  advance(table_, timestamp(6 * second));
  EXPECT_TRUE(seen_.records.empty()) << "the last acknowledgement may still come";
  advance(table_, timestamp(7 * second));
  ASSERT_EQ(seen_.records.size(), 1U);
  EXPECT_EQ(seen_.records[0].reason, EndReason::fin);
  EXPECT_EQ(seen_.records[0].packets, 4U);
}

TEST_F(FlowTableTest, AResetFlowSaysSo) {
  see(segment(tcp_flag::syn), 0);
  see(segment(tcp_flag::rst, true), 0);
  finish(table_, EndReason::forced);
  ASSERT_EQ(seen_.records.size(), 1U);
  EXPECT_EQ(seen_.records[0].reason, EndReason::rst);
}

TEST_F(FlowTableTest, HalfOpenFlowsEndSooner) {
  see(segment(tcp_flag::syn), 0);
  advance(table_, timestamp(10 * second));
  ASSERT_EQ(seen_.records.size(), 1U);
}

TEST_F(FlowTableTest, ANewSynOnAClosedFlowBeginsAnother) {
  see(segment(tcp_flag::syn), 0);
  see(segment(tcp_flag::rst, true), 0);
  see(segment(tcp_flag::syn, false, 777), 1);
  ASSERT_EQ(seen_.records.size(), 1U);
  EXPECT_EQ(seen_.records[0].reason, EndReason::port_reuse);
  finish(table_, EndReason::forced);
  EXPECT_EQ(seen_.records[1].number, 2U) << "of its first packet";
}

TEST_F(FlowTableTest, ALongFlowGivesRecordsWhoseSumsAreTrue) {
  for (int i = 0; i <= 70; ++i) see(datagram(1), i * 10.0);
  finish(table_, EndReason::forced);
  ASSERT_EQ(seen_.records.size(), 3U);
  std::uint64_t packets = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(seen_.records[i].record, i);
    EXPECT_EQ(seen_.records[i].final, i == 2);
    EXPECT_EQ(seen_.records[i].reason, i == 2 ? EndReason::forced : EndReason::active);
    packets += seen_.records[i].packets;
  }
  EXPECT_EQ(packets, 71U);
}

TEST_F(FlowTableTest, BetterEvidenceFlipsTheWholeRecord) {
  see(segment(tcp_flag::ack, true, 2), 0);  // from port 80: service_port says the other side began
  see(segment(tcp_flag::syn, true, 1), 1);  // but port 80 sends a SYN, and it is this stream's
  finish(table_, EndReason::forced);
  EXPECT_EQ(seen_.records[0].orientation, Orientation::syn);
  EXPECT_EQ(seen_.records[0].initiator_port, 80);
}

TEST_F(FlowTableTest, EndsSimultaneousFlowsInTheOrderOfFirstPackets) {
  for (unsigned port = 500; port > 0; --port) see(datagram(port), 0);
  advance(table_, timestamp(60 * second));
  ASSERT_EQ(seen_.records.size(), 500U);
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(seen_.records[i].number, i);
}

TEST_F(FlowTableTest, AMirroredCopyIsCountedAndIsNoRetransmission) {
  const auto copy = [](std::uint8_t ttl) {
    return ipv4({.protocol = 6, .ttl = ttl}, tcp({.seq = 1, .ack = 1}, text("data")));
  };
  see(copy(64), 0);
  see(copy(63), 0.005);  // routed: one hop less
  see(copy(64), 0.5);    // half a second later it is a retransmission
  EXPECT_EQ(table_.stats().duplicates, 1U);
  finish(table_, EndReason::forced);
  EXPECT_EQ(seen_.records[0].packets, 3U);
  EXPECT_EQ(seen_.records[0].retransmits, 1U);
}

TEST_F(FlowTableTest, ACopyInAnotherVlanIsOneBelowACommonTagToo) {
  const ByteBuffer packet = be16(0x86dd) + ipv6(17, udp(1, 9999, text("tick")));
  see_frame_in(table_, ethernet(0x8100, be16(5) + packet), 0);
  see_frame_in(table_, ethernet(0x8100, be16(5) + packet), 0.00005);  // sent twice
  see_frame_in(table_, ethernet(0x8100, be16(5) + be16(0x8100) + be16(7) + packet), 0.0001);
  EXPECT_EQ(table_.stats().duplicates, 1U);
}

class DropDuplicatesTest : public FlowTableTest {
 protected:
  DropDuplicatesTest() : FlowTableTest(FlowLimits{.drop_duplicates = true}) {}
};

TEST_F(DropDuplicatesTest, LeavesCopiesOutOfTheFlow) {
  see(datagram(1), 0);
  see(datagram(1), 0.001);
  finish(table_, EndReason::forced);
  EXPECT_EQ(seen_.records[0].packets, 1U);
  EXPECT_EQ(table_.stats().duplicates, 1U);
}

class KeyScopeTest : public FlowTableTest {
 protected:
  explicit KeyScopeTest(KeyScope scope = {.vlan = true}) : scope_(scope) {}
  void see_tagged(unsigned vlan) {
    const Frame frame(ethernet(0x8100, be16(vlan) + be16(0x0800) + datagram(1)));
    const PacketView view = decoded(frame).view;
    table_.add({view, make_key(view, flow_ports(view), scope_), timestamp(0), next_number_++});
  }
  KeyScope scope_;
};

TEST_F(KeyScopeTest, VlanIdsCanBePartOfTheKey) {
  for (const unsigned vlan : {5U, 6U, 5U}) see_tagged(vlan);
  EXPECT_EQ(table_.stats().started, 2U);
}

class DefaultKeyScopeTest : public KeyScopeTest {
 protected:
  DefaultKeyScopeTest() : KeyScopeTest(KeyScope{}) {}
};

TEST_F(DefaultKeyScopeTest, VlanIdsDoNotSplitFlows) {
  for (const unsigned vlan : {5U, 6U}) see_tagged(vlan);
  see(datagram(1), 0);
  EXPECT_EQ(table_.stats().started, 1U);
}

class SmallFlowTableTest : public FlowTableTest {
 protected:
  SmallFlowTableTest() : FlowTableTest(FlowLimits{.flows_max = 3}) {}
};

TEST_F(SmallFlowTableTest, EvictsTheLeastRecentlySeenWhenFull) {
  see(datagram(1), 0);
  see(datagram(2), 1);
  see(datagram(3), 2);
  see(datagram(1), 3);
  see(datagram(4), 4);
  ASSERT_EQ(seen_.records.size(), 1U);
  EXPECT_EQ(seen_.records[0].reason, EndReason::evicted);
  EXPECT_EQ(seen_.records[0].number, 1U) << "port 2 was seen least recently";
  EXPECT_EQ(table_.stats().active, 3U);
}

TEST_F(SmallFlowTableTest, AFlowOfWhichMuchIsKeptCountsAsSeveral) {
  see(datagram(1), 0);
  see(datagram(2), 1);
  const Frame frame(ethernet(0x0800, datagram(1)));
  const PacketView view = decoded(frame).view;
  const Flow& first = *table_.find(make_key(view, flow_ports(view)))->flow;
  table_.keep(first, FlowTable::kept_bytes_each);
  table_.keep(first, FlowTable::kept_bytes_each * 2);
  EXPECT_TRUE(seen_.records.empty()) << "three in all";
  see(datagram(3), 2);
  ASSERT_EQ(seen_.records.size(), 1U) << "the oldest of all is one that much is kept of";
  EXPECT_EQ(seen_.records[0].number, 0U);
  const Frame last(ethernet(0x0800, datagram(3)));
  const PacketView last_view = decoded(last).view;
  table_.keep(*table_.find(make_key(last_view, flow_ports(last_view)))->flow, 1U << 20U);
  ASSERT_EQ(seen_.records.size(), 2U) << "the one at hand stays, whatever is kept of it";
  EXPECT_EQ(seen_.records[1].number, 1U);
  EXPECT_EQ(table_.stats().active, 1U);
  see(datagram(4), 3);
  EXPECT_EQ(seen_.records.size(), 3U);
  EXPECT_EQ(table_.stats().active, 1U);
}

// Two fronts are in order each by itself.
TEST(FlowTimesTest, ARecordSpansItsPacketsInWhateverOrderTheyCome) {
  struct Span final : FlowObserver {
    void flow_ended(const Flow& flow, EndReason /*reason*/, bool /*final*/) override {
      start = flow.start_at;
      end = flow.end_at;
    }
    Timestamp start{};
    Timestamp end{};
  } seen;
  FlowTable table(FlowLimits{}, seen);
  std::uint64_t number = 0;
  for (const std::int64_t at : {5, 3, 9, 7}) {
    const Frame frame(ethernet(0x0800, ipv4({}, udp(1, 9999, {static_cast<std::uint8_t>(at)}))));
    const PacketView view = decoded(frame).view;
    table.add({view, make_key(view, flow_ports(view)), timestamp(at * second), number++});
  }
  finish(table, EndReason::forced);
  EXPECT_EQ(seen.start, timestamp(3 * second));
  EXPECT_EQ(seen.end, timestamp(9 * second));
}

// The table against a naive model, and against itself with another seed.
TEST(FlowTablePropertyTest, AgreesWithAModelAndDoesNotDependOnTheSeed) {
  std::vector<std::vector<Record>> runs;
  std::map<unsigned, std::uint64_t> model;
  for (const HashSeed seed : {HashSeed{1, 2}, HashSeed{99, 7}, HashSeed{0, 0}}) {
    std::mt19937 random(5);  // NOLINT: the same packets in every run
    Recorded seen;
    FlowTable table(FlowLimits{}, seen);
    model.clear();
    double now = 0;
    for (int i = 0; i < 20'000; ++i) {
      now += static_cast<double>(random() % 100) / 10'000.0;
      const auto port = static_cast<unsigned>(1 + random() % 4000);
      const Frame frame(ethernet(0x0800, ipv4({}, udp(port, 9999, {1}))));
      const PacketView view = decoded(frame).view;
      const Timestamp time = timestamp(static_cast<std::int64_t>(now * 1e9));
      advance(table, time);
      table.add(
          {view, make_key(view, flow_ports(view), {}, seed), time, static_cast<std::uint64_t>(i)});
      ++model[port];
    }
    finish(table, EndReason::forced);
    runs.push_back(seen.records);
    std::map<unsigned, std::uint64_t> counted;
    for (const Record& r : seen.records) {
      counted[r.key.low.port == 9999 ? r.key.high.port : r.key.low.port] += r.packets;
    }
    EXPECT_EQ(counted, model);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_EQ(runs[0], runs[2]);
}

}  // namespace
}  // namespace dpi
