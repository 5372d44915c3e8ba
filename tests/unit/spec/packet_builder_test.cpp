#include "probe/spec/packet_builder.h"

#include <gmock/gmock.h>

#include "probe/base/hex.h"
#include "probe/spec/dns_builder.h"
#include "probe/spec/header_table.h"
#include "tests/unit/spec/recipe_text.h"

namespace dpi::spec {
namespace {

using namespace test;  // NOLINT

std::string bytes_of(const std::string& layers) {
  return hex(packet(layers));
}

// The example of an IPv4 header checksum that textbooks use: 4500 0073 0000 4000 4011 b861.
TEST(PacketBuilderTest, Ipv4HeaderWithItsChecksum) {
  EXPECT_EQ(bytes_of("ipv4 192.168.0.1>192.168.0.199 id=0 DF length=115 proto=17"),
            "45000073000040004011b861c0a80001c0a800c7");
}

TEST(PacketBuilderTest, LengthsFollowFromWhatIsInside) {
  const ByteBuffer p = packet("eth / ipv4 / udp 1>2 / text \"abc\"");
  ASSERT_EQ(p.size(), 14U + 20U + 8U + 3U);
  EXPECT_EQ(hex(Bytes{p}.subspan(12, 2)), "0800");
  EXPECT_EQ(hex(Bytes{p}.subspan(16, 2)), "001f");
  EXPECT_EQ(hex(Bytes{p}.subspan(34, 6)), "00010002000b");
}

// RFC 1071 §1: over header and pseudo-header with the checksum in place the sum is zero.
TEST(PacketBuilderTest, TransportChecksumsAddUpToZero) {
  for (const std::string inner : {"udp 1>2 / text \"abc\"", "tcp 1>2 ACK / text \"abcd\""}) {
    const ByteBuffer p = packet("ipv4 192.0.2.1>192.0.2.2 / " + inner);
    const Bytes segment = Bytes{p}.subspan(20);
    const ByteBuffer pseudo{192, 0, 2, 1,    192, 0,
                            2,   2, 0, p[9], 0,   static_cast<std::uint8_t>(segment.size())};
    EXPECT_EQ(internet_checksum({pseudo, segment}), 0) << inner;
  }
  const ByteBuffer echo = packet("ipv4 / icmp / text \"odd\"");
  EXPECT_EQ(internet_checksum({Bytes{echo}.subspan(20)}), 0);
}

TEST(PacketBuilderTest, FieldsCanBeMadeWrong) {
  EXPECT_EQ(bytes_of("ipv4 0.0.0.0>0.0.0.0 version=5 ihl=4 length=9 checksum=0xbeef proto=1"),
            "54000009000100004001beef0000000000000000");
}

TEST(PacketBuilderTest, CutPadAndPatch) {
  const std::string link = "[file]\nlink = 1\n";
  const auto file = [&](const std::string& layers) {
    const ByteBuffer bytes = built("0 " + layers, link);
    return hex(Bytes{bytes}.subspan(std::min<std::size_t>(40, bytes.size())));
  };
  EXPECT_EQ(file("hex 00112233 cut=3"), "001122");
  EXPECT_EQ(file("hex 00112233 pad=2"), "001122330000");
  EXPECT_EQ(file("hex 00112233 patch=1:aabb"), "00aabb33");
}

TEST(PacketBuilderTest, SlicesAreFragments) {
  const ByteBuffer first = packet("ipv4 id=7 slice=0:16 / udp 1>2 / zeros 20");
  const ByteBuffer last = packet("ipv4 id=7 slice=16: / udp 1>2 / zeros 20");
  EXPECT_EQ(first.size(), 36U);
  EXPECT_EQ(hex(Bytes{first}.subspan(6, 2)), "2000");
  EXPECT_EQ(last.size(), 32U);
  EXPECT_EQ(hex(Bytes{last}.subspan(6, 2)), "0002");
}

TEST(PacketBuilderTest, SequenceNumbersAreKeptPerSide) {
  const ByteBuffer file = built(
      "0 ipv4 10.0.0.1>10.0.0.2 / tcp 1>2 SYN\n"
      "0 ipv4 10.0.0.2>10.0.0.1 / tcp 2>1 SYN ACK\n"
      "0 ipv4 10.0.0.1>10.0.0.2 / tcp 1>2 ACK / text \"abc\"\n"
      "0 ipv4 10.0.0.1>10.0.0.2 / tcp 1>2 ACK seq=-3 / text \"abc\"\n"
      "0 ipv4 10.0.0.2>10.0.0.1 / tcp 2>1 ACK");
  std::vector<std::string> numbers;
  for (std::size_t at = 24; at + 56 <= file.size();) {
    numbers.push_back(hex(Bytes{file}.subspan(at + 40, 8)));
    at += 16 + file[at + 8];
  }
  EXPECT_THAT(numbers,
              ::testing::ElementsAre("000003e800000000", "00002328000003e9", "000003e900002329",
                                     "000003e900002329", "00002329000003ec"));
}

TEST(PacketBuilderTest, EveryHeaderOfTheTableCanBeBuilt) {
  for (const HeaderDefinition& d : header_definitions()) {
    std::string fields;
    for (const Field& f : header_fields(d)) {
      // What only the next layer would tell.
      if (f.standard == "@eth" || f.standard == "@ip" || f.standard == "@ppp" ||
          f.standard == "@nsh" || f.standard == "@nlpid" || f.standard == "@link")
        fields += " " + std::string{f.name} + "=0";
    }
    const auto recipe = parsed("0 " + std::string{d.name} + fields, "[file]\nlink = 1\n");
    ASSERT_TRUE(recipe.has_value()) << recipe.error().what;
    const auto bytes = build_capture(*recipe);
    ASSERT_TRUE(bytes.has_value()) << bytes.error().what;
    std::size_t bits = 0;
    for (const Field& f : header_fields(d)) bits += f.optional ? 0 : f.bits;
    EXPECT_EQ(bits % 8, 0U) << d.name;
  }
}

TEST(DnsBuilderTest, NamesAndRecords) {
  const auto body = [](const std::string& arguments) {
    const auto recipe = parsed("0 dns " + arguments, "[file]\nlink = 1\n");
    EXPECT_TRUE(recipe.has_value()) << (recipe ? "" : recipe.error().what);
    const auto bytes = build_dns_body(recipe->packets[0].layers[0]);
    EXPECT_TRUE(bytes.has_value()) << (bytes ? "" : bytes.error().what);
    return bytes ? hex(*bytes) : "";
  };
  EXPECT_EQ(body("q=\"a.bc A\""), "01610262630000010001");
  EXPECT_EQ(body("q=\". TYPE7 CLASS9\""), "0000070009");
  EXPECT_EQ(body("q=\"a@12\""), "0161c00c00010001");
  EXPECT_EQ(body("q=\"a\\\\046b A\""), "03612e620000010001");
  EXPECT_EQ(body("an=\"@12 60 A 192.0.2.1\""), "c00c000100010000003c0004c0000201");
  EXPECT_EQ(body("an=\"@12 60 MX 10 a\""), "c00c000f00010000003c0005000a016100");
  EXPECT_EQ(body("an=\"@12 TXT a_b c\""),
            "c00c0010000100000000000603612062"
            "0163");
  EXPECT_EQ(body("an=\"@12 NSEC a A TXT\""), "c00c002f00010000000000080161000003400080");
  EXPECT_EQ(body("an=\"@12 TYPE99 x:0102\""), "c00c006300010000000000020102");
  EXPECT_EQ(body("opt=\"udp=512 do option=3:ff\""),
            "0000290200000080000005"
            "00030001ff");
  EXPECT_EQ(body("q=\"nb:A<20> NB\"").substr(0, 14), "20454243414341");
}

}  // namespace
}  // namespace dpi::spec
