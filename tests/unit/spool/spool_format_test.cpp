#include "probe/spool/spool_format.h"

#include <gtest/gtest.h>

#include "probe/base/hex.h"

namespace dpi {
namespace {

SegmentHeader example_header() {
  SegmentHeader header;
  for (std::size_t i = 0; i < header.instance.size(); ++i) {
    header.instance[i] = static_cast<std::uint8_t>(i);
  }
  header.first_seq = 0x0102030405060708;
  header.commits_before = 9;
  header.previous_crc = 0xAABBCCDD;
  header.state = {'s', 't', 'a', 't', 'e'};
  return header;
}

// The layout of docs/spool-format.md; a change here is a new version.
TEST(SpoolFormatTest, HeaderHasTheDocumentedBytes) {
  SegmentHeader header = example_header();
  const ByteBuffer bytes = encode_segment_header(header);
  EXPECT_EQ(hex(Bytes{bytes}.first(bytes.size() - 4)),
            "d552534553504c8a"  // magic
            "01000000"
            "45000000"                          // version, header bytes
            "000102030405060708090a0b0c0d0e0f"  // instance
            "0807060504030201"                  // first_seq
            "0900000000000000"                  // commits_before
            "ddccbbaa"
            "05000000"
            "00000000"  // previous_crc, state bytes, reserved
            "7374617465");
}

TEST(SpoolFormatTest, RecordHasTheDocumentedBytes) {
  ByteBuffer bytes;
  const RecordPlace place{.segment_crc = 0x11223344, .previous_crc = 0x55667788, .commit = 3};
  const std::uint32_t crc =
      append_record(bytes, RecordType::data, place, 7, as_bytes("env"), as_bytes("pay!"));
  EXPECT_EQ(hex(Bytes{bytes}.first(4)), "d553529c");
  EXPECT_EQ(hex(Bytes{bytes}.subspan(8)),
            "44332211"
            "88776655"
            "0700000000000000"
            "0300000000000000"
            "03000000"
            "04000000"
            "01000000"
            "656e76"
            "70617921");
  const auto head = parse_record_head(bytes);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->crc, crc);
  EXPECT_EQ(head->record_bytes(), bytes.size());
  EXPECT_TRUE(record_intact(*head, bytes));
}

TEST(SpoolFormatTest, ReadsBackItsHeader) {
  SegmentHeader header = example_header();
  const ByteBuffer bytes = encode_segment_header(header);
  const auto parsed = parse_segment_header(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->instance, header.instance);
  EXPECT_EQ(parsed->first_seq, header.first_seq);
  EXPECT_EQ(parsed->commits_before, header.commits_before);
  EXPECT_EQ(parsed->previous_crc, header.previous_crc);
  EXPECT_EQ(parsed->state, header.state);
  EXPECT_EQ(parsed->crc, header.crc);
  EXPECT_EQ(parsed->bytes, bytes.size());
}

TEST(SpoolFormatTest, RefusesEveryTruncationAndBitFlipOfAHeader) {
  SegmentHeader header = example_header();
  const ByteBuffer bytes = encode_segment_header(header);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_segment_header(Bytes{bytes}.first(size)));
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    ByteBuffer flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(parse_segment_header(flipped)) << bit;
  }
}

TEST(SpoolFormatTest, RefusesEveryBitFlipOfARecord) {
  ByteBuffer bytes;
  append_record(bytes, RecordType::commit, {}, 7, as_bytes("state"), {});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    ByteBuffer flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto head = parse_record_head(flipped);
    EXPECT_FALSE(head && head->record_bytes() == flipped.size() && record_intact(*head, flipped))
        << bit;
  }
}

}  // namespace
}  // namespace dpi
