#include "probe/envelope/note_text.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(NoteTextTest, TakesLinesUntilNoNewlineIsLeft) {
  std::string_view rest = "one\n\ntwo";
  EXPECT_EQ(take_line(rest), "one");
  EXPECT_EQ(take_line(rest), "");
  EXPECT_FALSE(take_line(rest).has_value());
  EXPECT_EQ(rest, "two");
}

TEST(NoteTextTest, ADecimalHasOneForm) {
  EXPECT_EQ(parse_decimal("0"), 0U);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "00", "042", "+1", "-1", "1 ", " 1", "1x", "18446744073709551616"})
    EXPECT_FALSE(parse_decimal(text).has_value()) << text;
}

}  // namespace
}  // namespace dpi
