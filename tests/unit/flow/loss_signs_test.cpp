#include "probe/flow/loss_signs.h"

#include <gtest/gtest.h>

#include "probe/flow/flow_table.h"
#include "tests/support/in_order.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

class LossSignsTest : public ::testing::Test, public FlowObserver {
 protected:
  LossSignsTest() : table_({}, *this) {}
  void flow_ended(const Flow& flow, EndReason, bool final) override { loss_.add(flow, final); }

  struct Segment {
    bool back = false;
    unsigned seq = 0;
    unsigned ack = 0;
    std::uint8_t flags = tcp_flag::ack;
    std::size_t payload = 0;
    bool tagged = false;
  };
  void see(const Segment& s) {
    const Ip4 ip{.src_last = static_cast<std::uint8_t>(s.back ? 2 : 1),
                 .dst_last = static_cast<std::uint8_t>(s.back ? 1 : 2),
                 .protocol = 6};
    const ByteBuffer packet = ipv4(ip, tcp({.src = s.back ? 80U : 40'000U,
                                            .dst = s.back ? 40'000U : 80U,
                                            .seq = s.seq,
                                            .ack = s.ack,
                                            .flags = s.flags}) +
                                           zeros(s.payload));
    const Frame frame(s.tagged ? ethernet(0x8100, be16(7) + be16(0x0800) + packet)
                               : ethernet(0x0800, packet));
    const PacketView view = decoded(frame).view;
    now_ += second;
    table_.add({view, make_key(view, flow_ports(view)), timestamp(now_), number_++});
  }
  void handshake() {
    see({.seq = 99, .flags = tcp_flag::syn});
    see({.back = true, .seq = 499, .ack = 100, .flags = tcp_flag::syn | tcp_flag::ack});
    see({.seq = 100, .ack = 500});
  }
  const LossSigns& end() {
    finish(table_, EndReason::forced);
    return loss_;
  }

  LossSigns loss_;
  FlowTable table_;
  std::int64_t now_ = 0;
  std::uint64_t number_ = 0;
};

TEST_F(LossSignsTest, BytesThatWereAcknowledgedButNeverSeenAreOurLoss) {
  handshake();
  see({.seq = 100, .ack = 500, .payload = 10});
  see({.seq = 150, .ack = 500, .payload = 10});  // 110–150 never came by
  see({.back = true, .seq = 500, .ack = 160});
  EXPECT_EQ(end().gap_bytes, 40U);
  EXPECT_EQ(loss_.gap_events, 1U);
  EXPECT_EQ(loss_.acked_bytes, 61U + 1U) << "from the SYN on, both ways";
  EXPECT_EQ(loss_.tcp_acks, 5U);
  EXPECT_EQ(loss_.tcp_flows, 1U);
  EXPECT_EQ(loss_.one_way_flows + loss_.midstream_flows, 0U);
}

TEST_F(LossSignsTest, AHoleThatNobodyAcknowledgedIsTheNetworks) {
  handshake();
  see({.seq = 150, .ack = 500, .payload = 10});
  see({.back = true, .seq = 500, .ack = 100});
  EXPECT_EQ(end().gap_bytes, 0U);
  EXPECT_EQ(loss_.gap_events, 0U);
}

TEST_F(LossSignsTest, OneDirectionOnlyIsAnAsymmetricMirror) {
  see({.back = true, .seq = 499, .ack = 100, .flags = tcp_flag::syn | tcp_flag::ack});
  see({.back = true, .seq = 500, .ack = 110, .payload = 5});
  EXPECT_EQ(end().one_way_flows, 1U);
  EXPECT_EQ(loss_.gap_bytes, 0U) << "nothing can be said of what was not mirrored";
}

TEST_F(LossSignsTest, AScanIsNoOneWayFlow) {
  see({.seq = 99, .flags = tcp_flag::syn});
  EXPECT_EQ(end().tcp_flows, 0U);
  EXPECT_EQ(loss_.one_way_flows, 0U);
}

TEST_F(LossSignsTest, AFlowThatBeganBeforeUsIsMidstream) {
  see({.seq = 1, .ack = 1, .payload = 5});
  see({.back = true, .seq = 1, .ack = 6});
  EXPECT_EQ(end().midstream_flows, 1U);
}

TEST_F(LossSignsTest, TagsInOneDirectionOnlyAreCounted) {
  see({.seq = 1, .ack = 1, .payload = 5, .tagged = true});
  see({.back = true, .seq = 1, .ack = 6});
  EXPECT_EQ(end().one_sided_vlan_flows, 1U);
}

}  // namespace
}  // namespace dpi
