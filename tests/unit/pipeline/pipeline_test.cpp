#include "probe/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

class Facts final : public PipelineObserver {
 public:
  void flow(FactNumber, const Flow& flow, EndReason reason, bool, const Verdict& verdict,
            const AppMetadata* metadata) override {
    if (metadata != nullptr) server_names.push_back(metadata->server_name);
    packets += flow.sides[0].packets + flow.sides[1].packets;
    text += std::to_string(flow.number) + " " + std::string{end_reason_name(reason)} + " " +
            std::string{verdict.app} + "\n";
    ++flows;
    last_duration = flow.end_at - flow.start_at;
  }
  void dns(FactNumber, const DnsTransaction& t) override {
    messages += t.queries + t.responses;
    text += "dns " + std::to_string(t.number) + "\n";
  }
  void tick(FactNumber, Timestamp, const PipelineStats&) override { ++ticks; }
  void capture_ended(FactNumber, const PipelineStats&) override {}
  std::uint64_t packets = 0;
  std::uint64_t flows = 0;
  std::uint64_t messages = 0;
  std::uint64_t ticks = 0;
  Nanoseconds last_duration{};
  std::string text;
  std::vector<std::string> server_names;
};

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() : pipeline_({}, {1, 2}, *open_ndpi_classifier({}), facts_) {}
  void see(const ByteBuffer& frame_bytes, double seconds) {
    const Frame frame(frame_bytes, static_cast<std::int64_t>(seconds * 1e9));
    pipeline_.process(frame.raw);
  }
  Facts facts_;
  Pipeline pipeline_;
};

// A tunnel's outer datagram in two pieces around an inner DNS query: two packets in two flows, one
// message, dissected from the whole.
TEST_F(PipelineTest, AFragmentedTunnelCountsItsFirstPieceInsideAndItsMessageOnce) {
  const ByteBuffer query = be16(1) + be16(0x0100) + be16(1) + zeros(6) + ByteBuffer{1, 'a', 0} +
                           be16(1) + be16(1) + zeros(64);
  const ByteBuffer inner = ipv4({.src_last = 7, .dst_last = 8}, udp(5000, 53, query));
  const ByteBuffer outer = udp(50000, 2152, ByteBuffer{0x30, 255, 0, 0} + be32(42) + inner);
  const ByteBuffer first(outer.begin(), outer.begin() + 56);
  const ByteBuffer second_piece(outer.begin() + 56, outer.end());
  for (const bool in_order : {true, false}) {
    const unsigned id = in_order ? 1 : 2;
    const ByteBuffer a = ethernet(0x0800, ipv4({.id = id, .fragment = 0x2000}, first));
    const ByteBuffer b = ethernet(0x0800, ipv4({.id = id, .fragment = 7}, second_piece));
    see(in_order ? a : b, id);
    see(in_order ? b : a, id);
  }
  pipeline_.finish(EndReason::forced);
  EXPECT_EQ(facts_.packets, 4U);
  EXPECT_EQ(facts_.flows, 2U);
  EXPECT_EQ(facts_.messages, 2U);
}

// The same of TCP: what the parsers find in the whole datagram belongs to the flow inside.
TEST_F(PipelineTest, AFragmentedTunnelTellsTheMetadataOfTheFlowInside) {
  const ByteBuffer head = text("GET / HTTP/1.1\r\nHost: inside.example\r\n\r\n");
  const ByteBuffer inner = ipv4({.src_last = 7, .dst_last = 8, .protocol = 6},
                                tcp({.flags = tcp_flag::ack | tcp_flag::psh}, head));
  const ByteBuffer outer = udp(50000, 2152, ByteBuffer{0x30, 255, 0, 0} + be32(42) + inner);
  const ByteBuffer first(outer.begin(), outer.begin() + 64);
  const ByteBuffer second_piece(outer.begin() + 64, outer.end());
  see(ethernet(0x0800, ipv4({.id = 3, .fragment = 0x2000}, first)), 1);
  see(ethernet(0x0800, ipv4({.id = 3, .fragment = 8}, second_piece)), 1);
  pipeline_.finish(EndReason::forced);
  EXPECT_EQ(facts_.flows, 2U);
  EXPECT_EQ(facts_.packets, 2U);
  EXPECT_EQ(facts_.server_names, std::vector<std::string>{"inside.example"});
}

TEST_F(PipelineTest, EveryPacketIsInExactlyOneBucket) {
  std::mt19937 random(1);  // NOLINT: repeatable
  for (int i = 0; i < 5000; ++i) {
    ByteBuffer bytes =
        ethernet(i % 3 == 0 ? 0x0806 : 0x0800,
                 ipv4({}, udp(static_cast<unsigned>(1 + random() % 500), 53, zeros(20))));
    if (i % 5 == 0) bytes.resize(random() % bytes.size());
    const Frame frame(bytes, std::int64_t{i} * 1'000'000);
    if (i % 7 == 0) {
      pipeline_.count_filtered(frame.raw);
    } else {
      pipeline_.process(frame.raw);
    }
  }
  pipeline_.finish(EndReason::forced);
  const PacketLedger l = pipeline_.stats().front.packets;
  EXPECT_EQ(l.offered, 5000U);
  EXPECT_EQ(l.decoded + l.filtered + l.malformed + l.not_ip, l.offered);
  EXPECT_EQ(facts_.packets, l.decoded) << "every decoded packet is in a flow record";
  EXPECT_EQ(facts_.messages, pipeline_.stats().lanes.dns.messages);
}

TEST_F(PipelineTest, AWrongChecksumIsCountedUnlessTheCardWasToFillItIn) {
  ByteBuffer packet = ipv4({}, udp(1, 2, {1}));
  packet[10] = 0x66;  // the header's other words sum up to 9932
  packet[11] = 0xcd;
  see(ethernet(0x0800, packet), 1);
  EXPECT_EQ(pipeline_.stats().front.packets.checksum_bad, 0U);
  ++packet[8];
  see(ethernet(0x0800, packet), 2);
  EXPECT_EQ(pipeline_.stats().front.packets.checksum_bad, 1U);
  Frame frame(ethernet(0x0800, packet), 3 * second);
  frame.raw.checksum_pending = true;
  pipeline_.process(frame.raw);
  EXPECT_EQ(pipeline_.stats().front.packets.checksum_bad, 1U);
  EXPECT_EQ(pipeline_.stats().front.packets.decoded, 3U);
}

TEST_F(PipelineTest, TimeThatRunsBackwardsIsClampedAndCounted) {
  see(ethernet(0x0800, ipv4({}, udp(1, 2, {1}))), 100);
  see(ethernet(0x0800, ipv4({}, udp(1, 2, {1}))), 50);
  see(ethernet(0x0800, ipv4({}, udp(1, 2, {1}))), 101);
  EXPECT_EQ(pipeline_.stats().front.packets.time_backward_steps, 1U);
  EXPECT_EQ(pipeline_.front().now(), timestamp(101 * second));
}

TEST_F(PipelineTest, FlowsDoNotSpanCaptures) {
  see(ethernet(0x0800, ipv4({}, udp(1, 2, {1}))), 100);
  pipeline_.finish(EndReason::forced);
  see(ethernet(0x0800, ipv4({}, udp(1, 2, {1}))),
      5);  // an earlier time is no step back in another capture
  pipeline_.finish(EndReason::forced);
  EXPECT_EQ(facts_.flows, 2U);
  EXPECT_EQ(pipeline_.stats().front.packets.time_backward_steps, 0U);
}

TEST_F(PipelineTest, AFragmentedQueryIsOneFlowAndOneRow) {
  const ByteBuffer query = be16(1) + be16(0x100) + be16(1) + zeros(6) + ByteBuffer{4} +
                           text("name") + ByteBuffer{0} + be16(1) + be16(1);
  const ByteBuffer datagram = udp(5000, 53, query);
  const ByteBuffer head(datagram.begin(), datagram.begin() + 16);
  const ByteBuffer tail(datagram.begin() + 16, datagram.end());
  see(ethernet(0x0800, ipv4({.fragment = 2}, tail)), 0);  // the tail first
  see(ethernet(0x0800, ipv4({.fragment = 0x2000}, head)), 0.1);
  pipeline_.finish(EndReason::forced);
  EXPECT_EQ(facts_.flows, 1U);
  EXPECT_EQ(facts_.packets, 2U);
  EXPECT_EQ(facts_.messages, 1U);
}

TEST_F(PipelineTest, TicksOnceASecond) {
  for (int i = 0; i < 100; ++i) see(ethernet(0x0800, ipv4({}, udp(1, 2, {1}))), 10 + i * 0.1);
  EXPECT_EQ(facts_.ticks, 10U);
}

// A clock that is put right must neither end every flow nor give negative durations.
TEST_F(PipelineTest, AClockStepMovesWhatLastsAndEndsNothing) {
  constexpr std::int64_t hour = 3600 * second;
  for (const std::int64_t step : {hour, -2 * hour}) {
    const Facts before = facts_;
    pipeline_.front().observe_clock(Nanoseconds{0});
    see(ethernet(0x0800, ipv4({}, udp(1, 2, {1}))), 100'000);
    ASSERT_TRUE(pipeline_.front().observe_clock(Nanoseconds{step}).has_value());
    see(ethernet(0x0800, ipv4({}, udp(1, 2, {2}))),
        100'000 + static_cast<double>(step / second) + 1);
    EXPECT_EQ(facts_.flows, before.flows) << "nothing expired";
    EXPECT_FALSE(pipeline_.front().observe_clock(Nanoseconds{step + 50'000'000}).has_value())
        << "slewing is no step";
    pipeline_.finish(EndReason::forced);
    EXPECT_EQ(facts_.flows, before.flows + 1) << "one flow, both packets";
    EXPECT_EQ(facts_.last_duration, Nanoseconds{second});
  }
  EXPECT_EQ(pipeline_.stats().front.packets.time_backward_steps, 0U);
}

}  // namespace
}  // namespace dpi
