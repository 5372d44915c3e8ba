#include "probe/spec/capture_writer.h"

#include <gtest/gtest.h>

#include "probe/base/hex.h"
#include "probe/spec/compress.h"
#include "tests/unit/capture/capture_bytes.h"
#include "tests/unit/spec/recipe_text.h"

namespace dpi::spec {
namespace {

using namespace test;  // NOLINT

const std::string two = "0 eth / ipv4 / udp / text \"abc\"\n1.5s eth / ipv4 / udp / zeros 9";

// draft-ietf-opsawg-pcap §4 and §5.
TEST(CaptureWriterTest, PcapHeadersByteForByte) {
  const ByteBuffer little = built("1.000002s hex 0102 | wire=9", "[file]\nlink = 147\nsnap = 96\n");
  EXPECT_EQ(hex(little),
            "d4c3b2a1020004000000000000000000600000009300000001f153650200000002000000090000000102");
  const ByteBuffer big =
      built("1.000002003s hex 0102",
            "[file]\nlink = 147\nformat = \"pcap-ns\"\norder = \"big\"\nsnap = 96\n");
  EXPECT_EQ(hex(big),
            "a1b23c4d00020004000000000000000000000060000000936553f101000007d300000002000000020102");
}

TEST(CaptureWriterTest, TheReaderReadsEveryFormatBack) {
  for (const std::string format : {"pcap", "pcap-ns", "pcap-modified", "pcap-lcap", "pcapng"}) {
    for (const std::string order : {"little", "big"}) {
      for (const std::string compress : {"", "compress = \"gzip\"\n", "compress = \"zstd\"\n"}) {
        const ByteBuffer file = built(
            two, "[file]\nformat = \"" + format + "\"\norder = \"" + order + "\"\n" + compress);
        const auto reading = dpi::test::read_bytes(file);
        EXPECT_FALSE(reading.error.has_value()) << format << order << compress;
        ASSERT_EQ(reading.packets.size(), 2U) << format << order << compress;
        EXPECT_EQ(reading.packets[1].nanoseconds, 1'700'000'001'500'000'000);
        EXPECT_EQ(reading.packets[0].data, packet("eth / ipv4 / udp / text \"abc\""));
        EXPECT_EQ(reading.packets[0].link, 1);
      }
    }
  }
  const auto snoop = dpi::test::read_bytes(built(two, "[file]\nformat = \"snoop\"\n"));
  EXPECT_EQ(snoop.packets.size(), 2U);
}

TEST(CaptureWriterTest, PcapngDirectives) {
  const auto reading = dpi::test::read_bytes(
      built("file section order=big\nfile interface link=1 tsresol=9\nfile interface link=101 "
            "tsresol=0x8a\n"
            "1.000000001s eth / ipv4 / udp\n1.5s ipv4 / udp | interface=1\n"
            "2s eth / ipv4 / udp | block=simple\n3s ipv4 / udp | block=obsolete interface=1",
            "[file]\nformat = \"pcapng\"\n"));
  ASSERT_FALSE(reading.error.has_value()) << reading.error->what;
  ASSERT_EQ(reading.packets.size(), 4U);
  EXPECT_EQ(reading.packets[0].nanoseconds, 1'700'000'001'000'000'001);
  EXPECT_EQ(reading.packets[1].nanoseconds, 1'700'000'001'500'000'000);
  EXPECT_EQ(reading.packets[1].link, 101);
  EXPECT_TRUE(reading.packets[2].time_missing);
  EXPECT_EQ(reading.packets[3].interface, 1);
}

TEST(CaptureWriterTest, FaultsOfTheFile) {
  const std::string link = "[file]\nlink = 147\n";
  const ByteBuffer whole = built("0 hex 0102", link);
  EXPECT_EQ(built("0 hex 0102", link + "keep = 5\n").size(), 5U);
  EXPECT_EQ(built("0 hex 0102", link + "keep = -1\n").size(), whole.size() - 1);
  EXPECT_EQ(built("0 hex 0102", link + "append = \"aabb\"\n").back(), 0xbb);
  EXPECT_EQ(built("0 hex 0102", link + "patch = [\"0:00\"]\n")[0], 0);
  EXPECT_NE(refused("0 hex 0102", link + "patch = [\"99:00\"]\n").find("lies outside"),
            std::string::npos);
  EXPECT_EQ(built("0 hex 0102\nfile bytes ffff", link).size(), whole.size() + 2);
}

TEST(CaptureWriterTest, TheSameRecipeGivesTheSameBytes) {
  const std::string packets =
      two + "\n2s eth / ipv6 / tcp SYN\n3s eth / ipv4 / udp 1>53 / dns q=\"a.example A\"";
  EXPECT_EQ(built(packets), built(packets));
}

// RFC 1952 §2.3, RFC 1951 §3.2.4: one stored block; the CRC of "abc" is 352441c2.
TEST(CompressTest, StoredGzip) {
  EXPECT_EQ(hex(gzip_stored(as_bytes("abc"))),
            "1f8b08000000000000ff"
            "01"
            "0300fcff"
            "616263"
            "c2412435"
            "03000000");
}

// RFC 8878 §3.1.1.
TEST(CompressTest, StoredZstd) {
  EXPECT_EQ(hex(zstd_stored(as_bytes("abc"))),
            "28b52ffda0"
            "03000000"
            "190000"
            "616263");
}

}  // namespace
}  // namespace dpi::spec
