#include "dissectors/quic/gquic.h"

#include <gtest/gtest.h>

#include "tests/support/gquic.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

TEST(GquicTest, ReadsTheHelloBehindAPublicHeader) {
  for (const std::string_view version : {"Q034", "Q039", "Q043"}) {
    const ByteBuffer datagram = gquic_public_header(version) + gquic_stream(gquic_hello());
    const auto hello = parse_gquic_hello(datagram);
    ASSERT_TRUE(hello.has_value()) << version;
    EXPECT_EQ(hello->version_text(), version);
    EXPECT_EQ(as_text(hello->server_name), "example.com");
  }
}

TEST(GquicTest, PrivateFlagsStandInFrontOfTheFramesUpToQ033) {
  const ByteBuffer plain = gquic_public_header("Q033") + u8(1) + gquic_stream(gquic_hello());
  EXPECT_EQ(as_text(parse_gquic_hello(plain)->server_name), "example.com");
  const ByteBuffer grouped =
      gquic_public_header("Q024") + ByteBuffer{2, 1} + gquic_stream(gquic_hello());
  EXPECT_EQ(as_text(parse_gquic_hello(grouped)->server_name), "example.com");
}

TEST(GquicTest, ReadsTheHelloBehindTheLongHeaderOfQ046) {
  const ByteBuffer datagram = gquic_long_header() + gquic_stream(gquic_hello(), 1024);
  const auto hello = parse_gquic_hello(datagram);
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->version_text(), "Q046");
  EXPECT_EQ(as_text(hello->server_name), "example.com");
}

TEST(GquicTest, CutAnywhereItEndsWithTheNameOrSaysNothing) {
  for (const ByteBuffer& header : {gquic_public_header("Q043"), gquic_long_header()}) {
    const ByteBuffer whole = header + gquic_stream(gquic_hello());
    const std::size_t index_end = header.size() + 4 + 8 + 3 * 8;
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const auto hello = parse_gquic_hello(Bytes{whole}.first(n));
      EXPECT_EQ(hello.has_value(), n >= index_end) << n;
      const std::string_view name = hello ? as_text(hello->server_name) : "";
      EXPECT_TRUE(name.empty() || name == "example.com") << n;
    }
  }
}

TEST(GquicTest, OtherVersionsStreamsAndMessagesAreNone) {
  EXPECT_FALSE(parse_gquic_hello(gquic_public_header("Q044") + gquic_stream(gquic_hello())));
  EXPECT_FALSE(parse_gquic_hello(gquic_public_header("H043") + gquic_stream(gquic_hello())));
  ByteBuffer reset = gquic_public_header("Q043") + gquic_stream(gquic_hello());
  reset[0] |= 2U;
  EXPECT_FALSE(parse_gquic_hello(reset));
  EXPECT_FALSE(parse_gquic_hello(gquic_public_header("Q043") + gquic_stream(gquic_hello(), 0, 3)))
      << "stream 3 is the first request";
  EXPECT_FALSE(
      parse_gquic_hello(gquic_public_header("Q043") + gquic_stream(text("REJ") + zeros(30))));
  EXPECT_FALSE(parse_gquic_hello(gquic_public_header("Q043") + ByteBuffer{0x40, 1, 1, 1, 1}))
      << "an acknowledgment";
}

TEST(GquicTest, TagsMustBeInOrderAndTheirNumberBounded) {
  ByteBuffer hello = gquic_hello();
  EXPECT_EQ(as_text(*gquic_hello_value(hello, "UAID")), "agent");
  EXPECT_TRUE(gquic_hello_value(hello, "none")->empty());
  hello[8 + 8 + 4] = 1;  // the second value ends before the first
  EXPECT_FALSE(gquic_hello_value(hello, "SNI").has_value());
  EXPECT_FALSE(gquic_hello_value(text("CHLO") + ByteBuffer{129, 0, 0, 0} + zeros(129 * 8), "SNI"));
  EXPECT_FALSE(gquic_hello_value(text("CHLO") + zeros(4), "SNI"));
}

// Q050's frame: type 8, offset and length as in RFC 9000 §16.
TEST(GquicTest, FindsTheCryptoFrame) {
  const ByteBuffer frame = u8(8) + u8(0) + be16(0x4000 | 5) + text("hello");
  EXPECT_EQ(as_text(gquic_crypto_message(zeros(3) + frame + zeros(9))), "hello");
  for (std::size_t n = 0; n < frame.size(); ++n)
    EXPECT_TRUE(gquic_crypto_message(Bytes{frame}.first(n)).empty()) << n;
  EXPECT_TRUE(gquic_crypto_message(u8(6) + frame).empty());
}

}  // namespace
}  // namespace dpi
