#include "probe/flow/tcp_tracker.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

// A conversation as the probe sees it; the low side is the client.
class Conversation {
 public:
  Conversation& client(const Tcp& header, const ByteBuffer& payload = {}) {
    return see(Side::low, header, payload);
  }
  Conversation& server(const Tcp& header, const ByteBuffer& payload = {}) {
    return see(Side::high, header, payload);
  }
  Conversation& handshake() {
    return client({.seq = 100, .flags = tcp_flag::syn})
        .server({.seq = 500, .ack = 101, .flags = tcp_flag::syn | tcp_flag::ack})
        .client({.seq = 101, .ack = 501});
  }
  TcpTracker tracker;

 private:
  Conversation& see(Side side, const Tcp& header, const ByteBuffer& payload) {
    const Frame frame(ethernet(0x0800, ipv4({.protocol = 6}, tcp(header, payload))));
    const PacketView view = decoded(frame).view;
    tracker.observe(view, side, timestamp(now_));
    now_ += 1'000'000;  // a packet every millisecond
    return *this;
  }
  std::int64_t now_ = 0;
};

constexpr std::uint8_t fin_ack = tcp_flag::fin | tcp_flag::ack;

TEST(TcpTrackerTest, MeasuresBothHalvesOfTheHandshake) {
  Conversation c;
  c.handshake();
  EXPECT_EQ(c.tracker.rtt_us(Side::high), 1000);
  EXPECT_EQ(c.tracker.rtt_us(Side::low), 1000);
  EXPECT_TRUE(c.tracker.established());
}

TEST(TcpTrackerTest, WritesHistoryAsZeekDoes) {
  Conversation c;
  c.handshake()
      .client({.seq = 101, .ack = 501}, text("GET"))
      .server({.seq = 501, .ack = 104}, text("OK"))
      .client({.seq = 104, .ack = 503, .flags = fin_ack})
      .server({.seq = 503, .ack = 105, .flags = fin_ack});
  EXPECT_EQ(c.tracker.history().render(Side::low), "ShADdFf");
  EXPECT_EQ(c.tracker.history().render(Side::high), "sHadDfF");
  EXPECT_EQ(c.tracker.conn_state(Side::low), "SF");
  EXPECT_TRUE(c.tracker.closed());
}

TEST(TcpTrackerTest, NamesEveryConnectionState) {
  const Tcp syn{.seq = 100, .flags = tcp_flag::syn};
  const Tcp syn_ack{.seq = 500, .ack = 101, .flags = tcp_flag::syn | tcp_flag::ack};
  const Tcp rst{.seq = 101, .flags = tcp_flag::rst};
  const Tcp answering_rst{.seq = 501, .ack = 101, .flags = tcp_flag::rst};
  EXPECT_EQ(Conversation{}.client(syn).tracker.conn_state(Side::low), "S0");
  EXPECT_EQ(Conversation{}.client(syn).server(answering_rst).tracker.conn_state(Side::low), "REJ");
  EXPECT_EQ(Conversation{}.handshake().tracker.conn_state(Side::low), "S1");
  EXPECT_EQ(Conversation{}
                .handshake()
                .client({.seq = 101, .ack = 501, .flags = fin_ack})
                .tracker.conn_state(Side::low),
            "S2");
  EXPECT_EQ(Conversation{}
                .handshake()
                .server({.seq = 501, .ack = 101, .flags = fin_ack})
                .tracker.conn_state(Side::low),
            "S3");
  EXPECT_EQ(Conversation{}.handshake().client(rst).tracker.conn_state(Side::low), "RSTO");
  EXPECT_EQ(Conversation{}.handshake().server(answering_rst).tracker.conn_state(Side::low), "RSTR");
  EXPECT_EQ(Conversation{}.client(syn).client(rst).tracker.conn_state(Side::low), "RSTOS0");
  EXPECT_EQ(Conversation{}.server(syn_ack).server(answering_rst).tracker.conn_state(Side::low),
            "RSTRH");
  EXPECT_EQ(Conversation{}
                .client(syn)
                .client({.seq = 101, .flags = tcp_flag::fin})
                .tracker.conn_state(Side::low),
            "SH");
  EXPECT_EQ(Conversation{}
                .server(syn_ack)
                .server({.seq = 501, .flags = tcp_flag::fin})
                .tracker.conn_state(Side::low),
            "SHR");
  EXPECT_EQ(Conversation{}.client({.seq = 1, .ack = 1}, text("x")).tracker.conn_state(Side::low),
            "OTH");
}

TEST(TcpTrackerTest, TellsRetransmissionFromReordering) {
  Conversation c;
  c.handshake()
      .client({.seq = 101, .ack = 501}, text("aaaa"))
      .client({.seq = 101, .ack = 501}, text("aaaa"))   // again
      .client({.seq = 109, .ack = 501}, text("cccc"))   // leaves a hole of four
      .client({.seq = 105, .ack = 501}, text("bbbb"));  // fills it
  EXPECT_EQ(c.tracker.side(Side::low).retransmits, 1U);
  EXPECT_EQ(c.tracker.side(Side::low).out_of_order, 1U);
  EXPECT_EQ(c.tracker.gap_bytes(Side::low), 0U);
}

TEST(TcpTrackerTest, CountsAcknowledgedButUnseenBytesAsOurGap) {
  Conversation c;
  c.handshake().client({.seq = 111, .ack = 501}, text("late"));
  EXPECT_EQ(c.tracker.gap_bytes(Side::low), 0U) << "nobody has acknowledged the hole yet";
  c.server({.seq = 501, .ack = 115});
  EXPECT_EQ(c.tracker.gap_bytes(Side::low), 10U);
}

TEST(TcpTrackerTest, AKeepAliveIsNoRetransmission) {
  Conversation c;
  c.handshake()
      .client({.seq = 101, .ack = 501}, text("a"))
      .client({.seq = 101, .ack = 501}, text("a"));
  EXPECT_EQ(c.tracker.side(Side::low).retransmits, 0U);
}

TEST(TcpTrackerTest, FollowsSequenceNumbersAroundZero) {
  Conversation c;
  c.client({.seq = 0xfffffffe, .flags = tcp_flag::syn})
      .client({.seq = 0xffffffff, .ack = 1}, text("ab"))
      .client({.seq = 1, .ack = 1}, text("cd"));
  EXPECT_EQ(c.tracker.side(Side::low).retransmits, 0U);
  EXPECT_EQ(c.tracker.gap_bytes(Side::low), 0U);
  EXPECT_EQ(c.tracker.side(Side::low).next_sequence, 3U);
}

TEST(TcpTrackerTest, CountsZeroWindows) {
  Conversation c;
  c.handshake().server({.seq = 501, .ack = 101, .window = 0});
  EXPECT_EQ(c.tracker.side(Side::high).zero_windows, 1U);
}

}  // namespace
}  // namespace dpi
