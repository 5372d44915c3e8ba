#include "capture/af_packet/tpacket_block.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/tpacket_bytes.h"
#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

using test::BlockFrame;
using test::frame_offset;
using test::payload;
using test::put;
using test::tpacket_block;

constexpr std::size_t block_bytes = 4096;

ByteBuffer three_frames() {
  return tpacket_block({{.data = payload(60, 1)},
                        {.data = payload(100, 2),
                         .wire_bytes = 1500,
                         .status = TP_STATUS_USER | TP_STATUS_VLAN_VALID |
                                   TP_STATUS_VLAN_TPID_VALID | TP_STATUS_CSUMNOTREADY,
                         .vlan_tci = 0x2064,
                         .vlan_tpid = 0x88A8},
                        {.data = payload(64, 3), .status = TP_STATUS_USER | TP_STATUS_VLAN_VALID}},
                       block_bytes);
}

// Frames that can be read, each checked to lie in the block; and what the block owns up to.
std::pair<std::size_t, std::uint32_t> count(const ByteBuffer& memory) {
  TpacketBlock block{memory};
  std::size_t frames = 0;
  while (const auto frame = block.next()) {
    ++frames;
    EXPECT_GE(frame->data.data(), memory.data());
    EXPECT_LE(frame->data.data() + frame->data.size(), memory.data() + memory.size());
  }
  EXPECT_EQ(block.left(), 0U);
  return {frames, block.unreadable()};
}

template <class Change>
ByteBuffer changed(std::size_t n, Change change) {
  ByteBuffer memory = three_frames();
  tpacket3_hdr header{};
  const std::size_t at = frame_offset(memory, n);
  std::memcpy(&header, memory.data() + at, sizeof header);
  change(header);
  put(memory, at, header);
  return memory;
}

TEST(TpacketBlockTest, GivesEveryFrameWithItsFacts) {
  const ByteBuffer memory = three_frames();
  TpacketBlock block{memory};
  EXPECT_EQ(block.left(), 3U);
  const auto first = block.next();
  const auto second = block.next();
  const auto third = block.next();
  ASSERT_TRUE(first && second && third);
  EXPECT_TRUE(std::ranges::equal(first->data, payload(60, 1)));
  EXPECT_EQ(first->wire_bytes, 60U);
  EXPECT_EQ(nanoseconds(first->time), 1'000'000'002);
  EXPECT_FALSE(first->vlan_stripped);
  EXPECT_FALSE(first->checksum_partial);
  EXPECT_TRUE(std::ranges::equal(second->data, payload(100, 2)));
  EXPECT_EQ(second->wire_bytes, 1500U);
  EXPECT_TRUE(second->vlan_stripped);
  EXPECT_EQ(second->vlan_tci, 0x2064);
  EXPECT_EQ(second->vlan_tpid, 0x88A8);
  EXPECT_TRUE(second->checksum_partial);
  EXPECT_TRUE(third->vlan_stripped);
  EXPECT_EQ(third->vlan_tpid, 0x8100) << "a kernel that does not tell the TPID means 802.1Q";
  EXPECT_FALSE(block.next());
  EXPECT_EQ(block.unreadable(), 0U);
}

TEST(TpacketBlockTest, HoldsNothingWhenEmptyOrAbsent) {
  EXPECT_EQ(count(tpacket_block({}, block_bytes)), (std::pair<std::size_t, std::uint32_t>{0, 0}));
  EXPECT_FALSE(TpacketBlock{}.next());
}

TEST(TpacketBlockTest, CutAnywhereReadsNothingOutsideAndCountsTheRest) {
  const ByteBuffer whole = three_frames();
  const std::size_t end = frame_offset(whole, 2) + 200;
  for (std::size_t n = 0; n <= end; ++n) {
    // Its own allocation, so that a read behind the end is seen by the sanitizer.
    const ByteBuffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    const auto [frames, unreadable] = count(cut);
    if (n >= sizeof(tpacket_block_desc)) {
      EXPECT_EQ(frames + unreadable, 3U) << n;
    }
  }
}

TEST(TpacketBlockTest, OffsetsThatLeadOutOfTheBlockEndIt) {
  constexpr std::uint32_t far = 0xFFFFFFF0;
  using Outcome = std::pair<std::size_t, std::uint32_t>;
  EXPECT_EQ(count(changed(1, [](tpacket3_hdr& h) { h.tp_snaplen = far; })), (Outcome{1, 2}));
  EXPECT_EQ(count(changed(1, [](tpacket3_hdr& h) { h.tp_snaplen = block_bytes; })),
            (Outcome{1, 2}));
  EXPECT_EQ(count(changed(1, [](tpacket3_hdr& h) { h.tp_mac = 0xFFFF; })), (Outcome{1, 2}));
  EXPECT_EQ(count(changed(1, [](tpacket3_hdr& h) { h.tp_mac = 0; })), (Outcome{1, 2}));
  EXPECT_EQ(count(changed(1, [](tpacket3_hdr& h) { h.tp_next_offset = far; })), (Outcome{2, 1}));
  EXPECT_EQ(count(changed(1, [](tpacket3_hdr& h) { h.tp_next_offset = 0; })), (Outcome{2, 1}));
  EXPECT_EQ(count(changed(2, [](tpacket3_hdr& h) { h.tp_next_offset = far; })), (Outcome{3, 0}));
  ByteBuffer first_outside = three_frames();
  put(first_outside,
      offsetof(tpacket_block_desc, hdr) + offsetof(tpacket_hdr_v1, offset_to_first_pkt), far);
  EXPECT_EQ(count(first_outside), (Outcome{0, 3}));
}

TEST(TpacketBlockTest, ClaimOfMoreFramesThanFitEnds) {
  ByteBuffer memory = three_frames();
  put(memory, offsetof(tpacket_block_desc, hdr) + offsetof(tpacket_hdr_v1, num_pkts),
      std::uint32_t{0xFFFFFFFF});
  EXPECT_EQ(count(memory), (std::pair<std::size_t, std::uint32_t>{3, 0xFFFFFFFC}));
}

}  // namespace
}  // namespace dpi
