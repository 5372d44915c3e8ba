#include <gtest/gtest.h>

#include <limits>

#include "probe/envelope/canonical_writer.h"

namespace dpi {
namespace {

TEST(CanonicalWriterTest, WritesSortedMembersWithoutWhiteSpace) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("a", true);
  w.key("b");
  w.begin_array();
  w.value(std::uint64_t{0});
  w.value_signed(-7);
  w.begin_object();
  w.end_object();
  w.end_array();
  w.member("c", "text with space");
  w.end_object();
  EXPECT_EQ(out, R"({"a":true,"b":[0,-7,{}],"c":"text with space"})");
  EXPECT_TRUE(is_canonical_json(out));
}

TEST(CanonicalWriterTest, SaturatesIntegersAtTwoToThe53) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_array();
  w.value(std::numeric_limits<std::uint64_t>::max());
  w.value_signed(std::numeric_limits<std::int64_t>::min());
  w.end_array();
  EXPECT_EQ(out, "[9007199254740991,-9007199254740991]");
}

TEST(CanonicalWriterDeathTest, AbortsWhenMembersAreNotSorted) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("b", 1U);
  EXPECT_DEATH(w.member("a", 1U), "broken invariant");
}

TEST(CanonicalWriterDeathTest, AbortsWhenOnlyTheEndsOfLongNamesAreNotSorted) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("packets_src", 1U);
  EXPECT_DEATH(w.member("packets_dst", 1U), "broken invariant");
}

TEST(CanonicalWriterDeathTest, AbortsOnAKeyWithoutAValue) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.key("a");
  EXPECT_DEATH(w.key("b"), "broken invariant");
  EXPECT_DEATH(w.end_object(), "broken invariant");
}

TEST(CanonicalWriterTest, WhatIsLongerThanItsBufferComesOutWhole) {
  const std::string text(9000, 't');
  const ByteBuffer bytes(5000, 0xe9);
  std::string out = "before ";
  CanonicalWriter w(out);
  w.begin_object();
  w.member_hex("hex", bytes);
  w.key("list");
  w.begin_array();
  for (int i = 0; i < 3000; ++i) w.value(std::uint64_t{7});
  EXPECT_EQ(w.size(), std::string{"before {\"hex\":\"\",\"list\":["}.size() + 10'000 + 6000);
  w.end_array();
  w.member_pct("pct", bytes, 12'000);
  w.member("text", text);
  w.end_object();
  std::string expected = "before {\"hex\":\"";
  for (std::size_t i = 0; i < bytes.size(); ++i) expected += "e9";
  expected += "\",\"list\":[7";
  for (int i = 1; i < 3000; ++i) expected += ",7";
  expected += "],\"pct\":\"";
  for (int i = 0; i < 4000; ++i) expected += "%E9";
  expected += "\",\"pct_truncated\":true,\"text\":\"" + text + "\"}";
  EXPECT_EQ(out, expected);
}

TEST(CanonicalTextTest, EveryByteCountsWhereverItStands) {
  for (std::size_t size = 1; size <= 17; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned b = 0; b < 256; ++b) {
        std::string text(size, '~');
        text[at] = static_cast<char>(b);
        const bool plain = b >= 0x20 && b <= 0x7e && b != '"' && b != '\\';
        ASSERT_EQ(is_canonical_text(text), plain) << size << ' ' << at << ' ' << b;
      }
    }
  }
}

TEST(CanonicalWriterDeathTest, AbortsOnTextThatWouldNeedAnEscape) {
  std::string out;
  CanonicalWriter w(out);
  EXPECT_DEATH(w.value(std::string_view{"a\"b"}), "broken invariant");
}

TEST(PctTextTest, EscapesEverythingThatIsNotPlain) {
  const std::string hostile{"a\"b\\c%d e\0\xff\x7f\n", 13};
  EXPECT_EQ(pct_text(as_bytes(hostile)), "a%22b%5Cc%25d%20e%00%FF%7F%0A");
}

TEST(PctTextTest, CutsAtAWholeEscape) {
  for (std::size_t limit = 0; limit <= 7; ++limit) {
    std::string out;
    const bool whole = append_pct(out, as_bytes("a\xff\xff"), limit);
    EXPECT_EQ(whole, limit == 7);
    EXPECT_LE(out.size(), limit);
    EXPECT_EQ(out, std::string{"a%FF%FF"}.substr(0, limit == 0 ? 0 : 1 + (limit - 1) / 3 * 3));
  }
}

TEST(PctTextTest, SaysThatAMemberWasCut) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member_pct("server_name", as_bytes("abcdef"), 3);
  w.end_object();
  EXPECT_EQ(out, R"({"server_name":"abc","server_name_truncated":true})");
  EXPECT_TRUE(is_canonical_json(out));
}

TEST(CanonicalJsonTest, AcceptsOnlyTheCanonicalForm) {
  for (const char* good :
       {"{}", "[]", "0", "-1", "9007199254740991", "true", "\"\"", R"({"a":1,"b":{"a":[]}})"}) {
    EXPECT_TRUE(is_canonical_json(good)) << good;
  }
  for (const char* bad : {"",
                          " {}",
                          "{} ",
                          "{\"a\": 1}",
                          "{\"b\":1,\"a\":1}",
                          "{\"a\":1,\"a\":1}",
                          "01",
                          "-0",
                          "1.0",
                          "1e3",
                          "null",
                          "9007199254740992",
                          "\"\\u0041\"",
                          "\"\x01\"",
                          "\"\xc3\xa9\"",
                          "{\"A\":1}",
                          "{\"\":1}",
                          "{a:1}",
                          "[1,]",
                          "[1",
                          "{\"a\"}",
                          "tru",
                          "-",
                          "\"",
                          "{\"1a\":1}"}) {
    EXPECT_FALSE(is_canonical_json(bad)) << bad;
  }
}

TEST(CanonicalJsonTest, BoundsItsDepth) {
  EXPECT_TRUE(is_canonical_json(std::string(16, '[') + std::string(16, ']')));
  EXPECT_FALSE(is_canonical_json(std::string(17, '[') + std::string(17, ']')));
  EXPECT_FALSE(is_canonical_json(std::string(100'000, '[')));
}

}  // namespace
}  // namespace dpi
