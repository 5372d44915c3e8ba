#include "probe/report/html_text.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(HtmlTextTest, NothingOfWhatWasSaidIsMarkup) {
  EXPECT_EQ(html_text("<a b=\"c\" d='e'>&amp;"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(html_text(all).find_first_of("<>\"'"), std::string::npos);
}

TEST(HtmlTextTest, NumbersAreInGroupsOfThree) {
  EXPECT_EQ(html_number(0), "0");
  EXPECT_EQ(html_number(999), "999");
  EXPECT_EQ(html_number(1000), "1&#8239;000");
  EXPECT_EQ(html_number(1234567), "1&#8239;234&#8239;567");
}

TEST(HtmlTextTest, BytesHaveTheUnitThatFits) {
  EXPECT_EQ(html_bytes(0), "0&nbsp;B");
  EXPECT_EQ(html_bytes(0.5), "0.5&nbsp;B");
  EXPECT_EQ(html_bytes(999), "999&nbsp;B");
  EXPECT_EQ(html_bytes(999.6), "1.0&nbsp;kB");
  EXPECT_EQ(html_bytes(99'960), "100&nbsp;kB");
  EXPECT_EQ(html_bytes(1.5e18), "1500&nbsp;PB");
}

}  // namespace
}  // namespace dpi
