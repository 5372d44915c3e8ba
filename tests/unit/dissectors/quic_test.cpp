#include <gtest/gtest.h>

#include "dissectors/quic/long_header.h"
#include "tests/support/tls.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

// RFC 9001 §A.2: the header of the client's Initial, before protection.
const ByteBuffer initial = ByteBuffer{0xc3, 0, 0, 0, 1, 8} +
                           ByteBuffer{0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08} +
                           ByteBuffer{0, 0, 0x44, 0x9e} + zeros(1182);

TEST(QuicTest, ReadsTheInitialOfTheRfc) {
  const auto header = parse_quic_long_header(initial);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->type, QuicPacketType::initial);
  EXPECT_EQ(header->version->number, quic_version::v1);
  EXPECT_EQ(header->destination.size(), 8U);
  EXPECT_TRUE(header->source.empty());
  EXPECT_EQ(header->packet_number_at, 18U);
  EXPECT_EQ(header->packet.size(), initial.size());
}

TEST(QuicTest, CutAnywhereItIsRefused) {
  for (std::size_t n = 0; n < initial.size(); ++n)
    EXPECT_FALSE(parse_quic_long_header(Bytes{initial}.first(n)).has_value()) << n;
}

TEST(QuicTest, CoalescedPacketsEndWhereTheirLengthSays) {
  const ByteBuffer two = initial + initial;
  EXPECT_EQ(parse_quic_long_header(two)->packet.size(), initial.size());
}

TEST(QuicTest, ShortHeadersUnknownVersionsAndLongIdsAreRefused) {
  ByteBuffer bytes = initial;
  bytes[0] = 0x43;
  EXPECT_FALSE(parse_quic_long_header(bytes).has_value());
  bytes = initial;
  bytes[4] = 0;  // version negotiation
  EXPECT_FALSE(parse_quic_long_header(bytes).has_value());
  bytes = initial;
  bytes[5] = 21;
  EXPECT_FALSE(parse_quic_long_header(bytes).has_value());
}

// RFC 9369 §3.2: the types of version 2 count from another value.
TEST(QuicTest, KnowsTheTypesOfBothVersions) {
  const auto type = [](unsigned first, const ByteBuffer& version, const ByteBuffer& token = {}) {
    const ByteBuffer bytes =
        u8(first) + version + zeros(2) + token + ByteBuffer{0x40, 20} + zeros(20);
    return parse_quic_long_header(bytes).value().type;
  };
  const ByteBuffer v1 = be32(1);
  const ByteBuffer v2 = be32(0x6b3343cf);
  EXPECT_EQ(type(0xc0, v1, {0}), QuicPacketType::initial);
  EXPECT_EQ(type(0xd0, v2, {0}), QuicPacketType::initial);
  EXPECT_EQ(type(0xf0, v1), QuicPacketType::retry);
  EXPECT_EQ(type(0xc0, v2), QuicPacketType::retry);
  EXPECT_EQ(type(0xe0, v1), QuicPacketType::handshake);
  EXPECT_EQ(type(0xf0, v2), QuicPacketType::handshake);
}

TEST(QuicTest, VersionsHaveTheirSalts) {
  EXPECT_EQ(find_quic_version(0xff000017)->salt[0], 0xc3);
  EXPECT_EQ(find_quic_version(0xff00001d)->salt[0], 0xaf);
  EXPECT_EQ(find_quic_version(0xff000022)->salt[0], 0xaf);
  EXPECT_TRUE(find_quic_version(0x6b3343cf)->v2_labels);
  EXPECT_NE(find_quic_version(0x1a2a3a4a)->alternative, nullptr);
  EXPECT_EQ(find_quic_version(0x51303436), nullptr);
  EXPECT_EQ(find_quic_version(0), nullptr);
}

std::vector<std::string> crypto_frames(const ByteBuffer& payload, bool& ok) {
  std::vector<std::string> out;
  QuicFrames frames(payload);
  while (const auto crypto = frames.next_crypto())
    out.push_back(std::to_string(crypto->offset) + ":" + std::string{as_text(crypto->data)});
  ok = frames.ok();
  return out;
}

TEST(QuicTest, FindsCryptoFramesAmongOthers) {
  // ACK (largest, delay, one range more, first range, gap, length), CRYPTO, PADDING, PING, CRYPTO.
  const ByteBuffer payload = ByteBuffer{2, 5, 0, 1, 1, 0, 0} + ByteBuffer{6, 0, 2} + text("ab") +
                             ByteBuffer{0, 0, 1} + ByteBuffer{6, 0x40, 0x82, 1} + text("c") +
                             ByteBuffer{3, 0, 0, 0, 0, 1, 1, 1};
  bool ok = false;
  EXPECT_EQ(crypto_frames(payload, ok), (std::vector<std::string>{"0:ab", "130:c"}));
  EXPECT_TRUE(ok);
}

TEST(QuicTest, FramesCutAnywhereAreNotRead) {
  const ByteBuffer payload = ByteBuffer{6, 0x40, 0, 0x40, 4} + text("abcd");
  for (std::size_t n = 1; n < payload.size(); ++n) {
    bool ok = true;
    EXPECT_TRUE(
        crypto_frames(ByteBuffer(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(n)),
                      ok)
            .empty());
    EXPECT_FALSE(ok) << n;
  }
  bool ok = true;
  EXPECT_TRUE(crypto_frames({0x1c, 0, 0, 0}, ok).empty());
  EXPECT_TRUE(ok) << "CONNECTION_CLOSE";
  EXPECT_TRUE(crypto_frames({0x08, 0}, ok).empty());
  EXPECT_FALSE(ok) << "STREAM has no place in an Initial";
}

}  // namespace
}  // namespace dpi
