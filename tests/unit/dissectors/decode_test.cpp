#include "dissectors/decode.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

// One frame through many layers, for truncation and mutation.
ByteBuffer layered_frame() {
  const ByteBuffer dns =
      be16(1) + be16(0x100) + be16(1) + zeros(6) + ByteBuffer{1, 'a', 0} + be16(1) + be16(1);
  const ByteBuffer inner = ethernet(
      0x8100, be16(5) + be16(0x86dd) + ipv6(0, ByteBuffer{17, 0} + zeros(6) + udp(1111, 53, dns)));
  return ethernet(
      0x8847,
      be32(0x00010140) + ipv4({}, udp(50000, 4789, ByteBuffer{8, 0, 0, 0, 0, 1, 2, 0} + inner)));
}

// Everything in a view points into the frame.
void expect_inside(const PacketView& view, const ByteBuffer& bytes) {
  for (const Bytes part : {view.l3, view.l4, view.payload}) {
    if (part.empty()) continue;
    EXPECT_GE(part.data(), bytes.data());
    EXPECT_LE(part.data() + part.size(), bytes.data() + bytes.size());
  }
}

TEST(DecodeTest, ReachesTheInnermostHeader) {
  const Frame frame(layered_frame());
  const Decoded d = decoded(frame);
  ASSERT_EQ(d.outcome, DecodeOutcome::decoded);
  EXPECT_EQ(d.view.ip_version, 6);
  EXPECT_EQ(d.view.dst_port, 53);
  EXPECT_EQ(d.view.encapsulations.count, 3);
}

TEST(DecodeTest, SurvivesTruncationAtEveryByteAndSaysWhatIsMissing) {
  const ByteBuffer whole = layered_frame();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    // A copy of exact size, so that a sanitizer sees every step beyond it.
    Frame frame(ByteBuffer(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
    frame.raw.wire_bytes = static_cast<std::uint32_t>(whole.size());
    const Decoded d = decoded(frame);
    EXPECT_TRUE(d.view.anomalies.any()) << n;
    EXPECT_TRUE(d.view.cut);
    expect_inside(d.view, frame.bytes);
  }
}

TEST(DecodeTest, SurvivesRandomChangesUnderEveryLinkType) {
  std::mt19937 random(7);  // NOLINT: repeatable
  for (int round = 0; round < 20'000; ++round) {
    ByteBuffer bytes = layered_frame();
    for (int i = 0; i < 4; ++i)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    constexpr std::array<unsigned, 14> links{0,   1,   9,   50,  101, 104, 105,
                                             107, 108, 113, 119, 127, 163, 276};
    const Frame frame(std::move(bytes), 0, links[random() % links.size()]);
    expect_inside(decoded(frame).view, frame.bytes);
  }
}

TEST(AnomalyTest, EveryNameIsThereOnce) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < anomaly_count; ++i)
    names.push_back(anomaly_name(static_cast<Anomaly>(i)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_FALSE(names.front().empty());
}

}  // namespace
}  // namespace dpi
