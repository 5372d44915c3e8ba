#include "probe/base/time.h"

#include <gtest/gtest.h>

#include <limits>

namespace dpi {
namespace {

TEST(TimeTest, WritesThirtyBytes) {
  EXPECT_EQ(view(time_text(timestamp(0))), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(view(time_text(timestamp(1'700'000'000'123'456'789))),
            "2023-11-14T22:13:20.123456789Z");
}

TEST(TimeTest, ClampsYearsOutsideTheContract) {
  EXPECT_EQ(view(time_text(timestamp(-1))), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(view(time_text(timestamp(std::numeric_limits<std::int64_t>::max()))),
            "2261-12-31T23:59:59.999999999Z");
}

TEST(TimeTest, RoundTrips) {
  for (const std::int64_t ns :
       {std::int64_t{0}, std::int64_t{951'782'400'000'000'001},  // 2000-02-29
        std::int64_t{1'700'000'000'123'456'789}}) {
    const auto back = parse_time(view(time_text(timestamp(ns))));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(nanoseconds(*back), ns);
  }
}

TEST(TimeTest, RefusesOtherForms) {
  for (const char* text : {"2023-11-14T22:13:20.123456789", "2023-11-14 22:13:20.123456789Z",
                           "2023-02-29T22:13:20.123456789Z", "2023-11-14T22:13:60.123456789Z",
                           "2262-01-01T00:00:00.000000000Z", "2023-11-14T22:13:20.12345678xZ"}) {
    EXPECT_FALSE(parse_time(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace dpi
