#include <gtest/gtest.h>

#include "probe/export/json_document.h"
#include "probe/export/json_text.h"

namespace dpi {
namespace {

std::string json(std::string_view bytes) {
  std::string out;
  append_json_string(out, bytes);
  return out;
}

TEST(JsonText, KeepsWholeCharactersAndEscapesWhatJsonDemands) {
  EXPECT_EQ(json("caf\xC3\xA9 \xF0\x9F\x98\x80"), "\"caf\xC3\xA9 \xF0\x9F\x98\x80\"");
  EXPECT_EQ(json(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(json(std::string_view{"\0\n\x1b\x7f", 4}), R"("\u0000\u000a\u001b\u007f")");
}

TEST(JsonText, ShowsBytesThatAreNoUtf8AsHexadecimal) {
  EXPECT_EQ(json("\xFF"), R"("\\xff")");
  EXPECT_EQ(json("a\xC3"), R"("a\\xc3")");                           // cut
  EXPECT_EQ(json("\xC0\xAF"), R"("\\xc0\\xaf")");                    // not the shortest form
  EXPECT_EQ(json("\xE0\x80\xAF"), R"("\\xe0\\x80\\xaf")");           // nor this
  EXPECT_EQ(json("\xED\xA0\x80"), R"("\\xed\\xa0\\x80")");           // a surrogate
  EXPECT_EQ(json("\xF4\x90\x80\x80"), R"("\\xf4\\x90\\x80\\x80")");  // behind U+10FFFF
}

TEST(JsonText, EscapesWhatATerminalOrAScriptWouldObey) {
  EXPECT_EQ(json("\xC2\x9B"), R"("\u009b")");  // CSI in C1
  EXPECT_EQ(json("\xE2\x80\xA8\xE2\x80\xA9"), R"("\u2028\u2029")");
}

TEST(PctDecoded, GivesEveryByteBack) {
  EXPECT_EQ(pct_decoded("a%20b%FF"), "a b\xFF");
  EXPECT_EQ(pct_decoded("%00").size(), 1U);
}

TEST(PctDecoded, LeavesWhatIsNoEscape) {
  EXPECT_EQ(pct_decoded("%"), "%");
  EXPECT_EQ(pct_decoded("%4"), "%4");
  EXPECT_EQ(pct_decoded("%zz%2"), "%zz%2");
}

TEST(JsonDocument, NestsPathsGivenInAnyOrder) {
  JsonDocument document;
  document.number("b.d.y", 2);
  document.text("a", "x");
  document.boolean("b.c", true);
  document.json("b.d.x", "[1]");
  document.number("b_2.a", 3);
  std::string out;
  document.write(out);
  EXPECT_EQ(out, R"({"a":"x","b":{"c":true,"d":{"x":[1],"y":2}},"b_2":{"a":3}})");
}

TEST(JsonDocument, HoldsNothingOfTheRecordBefore) {
  JsonDocument document;
  document.text("old.member", "x");
  std::string out;
  document.write(out);
  document.clear();
  out.clear();
  document.bytes("new", "y\"");
  document.write(out);
  EXPECT_EQ(out, R"({"new":"y\""})");
}

}  // namespace
}  // namespace dpi
