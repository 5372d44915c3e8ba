#include <gmock/gmock.h>

#include "tests/unit/spec/recipe_text.h"

namespace dpi::spec {
namespace {

using namespace test;  // NOLINT
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<PacketText> packets_of(const std::string& text) {
  const auto recipe = parsed(text, "[names]\nto = \"eth / ipv4\"\n");
  EXPECT_TRUE(recipe.has_value()) << (recipe ? "" : recipe.error().what);
  return recipe ? recipe->packets : std::vector<PacketText>{};
}

TEST(PacketTextTest, ReadsTimesLayersAndOptions) {
  const auto p = packets_of(
      "1.5ms $to src=192.0.2.1 / udp 1>2 / text \"a b\\r\\n\\x41\" | snap=60  # why\n+2us eth");
  ASSERT_EQ(p.size(), 2U);
  EXPECT_EQ(p[0].at_ns, 1'500'000);
  EXPECT_EQ(p[1].at_ns, 1'502'000);
  ASSERT_EQ(p[0].layers.size(), 4U);
  EXPECT_EQ(p[0].layers[1].find("src")->value, "192.0.2.1");
  EXPECT_EQ(p[0].layers[2].find("dst")->value, "2");
  EXPECT_EQ(p[0].layers[3].arguments[0].value, "a b\r\nA");
  EXPECT_EQ(p[0].options.find("snap")->value, "60");
  EXPECT_EQ(p[1].place.line, 5U);
}

TEST(PacketTextTest, AnIndentedLineGoesOn) {
  const auto p = packets_of("0 eth\n   / ipv4\n# a comment\n   / udp\n1s eth");
  ASSERT_EQ(p.size(), 2U);
  EXPECT_EQ(p[0].layers.size(), 3U);
}

TEST(PacketTextTest, RepetitionsAreNumbered) {
  const auto p = packets_of("1s eth / ipv4 id={n} | repeat=3 every=10ms\n+1s eth");
  ASSERT_EQ(p.size(), 4U);
  EXPECT_EQ(p[2].layers[1].find("id")->value, "2");
  EXPECT_EQ(p[2].at_ns, 1'020'000'000);
  EXPECT_EQ(p[3].at_ns, 2'020'000'000);
}

TEST(PacketTextTest, WhatIsWrongIsNamedWithItsPlaceAndARemedy) {
  for (const auto& [text, place, said] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"0 eth\nsoon eth", "r.toml:5:1: ", "a packet begins with its time"},
           {"0 eth / $nobody", "r.toml:4:9: ", "define it in [names]"},
           {"0 text \"open", "r.toml:4:8: ", "add \""},
           {"0 text \"\\q\"", "r.toml:4:8: ", "unknown escape"},
           {"0 / eth", "r.toml:4:3: ", "a layer is missing"},
           {"0 eth /", "r.toml:4:1: ", "a layer is missing behind the last /"},
           {"0 eth | repeat=0", "r.toml:4:9: ", "1 to 100000"},
           {"0 eth / ipv7", "r.toml:4:9: ", "pcaps-spec/README.md lists them"},
           {"0 eth / ipv4 tll=3", "r.toml:4:14: ", "it has version ihl tos"},
           {"0 eth / ipv4 ttl=300", "r.toml:4:14: ", "a number of 8 bits"},
           {"0 eth / ipv4 ttl", "r.toml:4:14: ", "needs a value"},
           {"0 eth / ipv4 src=192.0.2", "r.toml:4:14: ", "must be an address"},
           {"0 eth / hex 12", "r.toml:4:3: ", "type=…"},
           {"0 eth / ipv4 / udp slice=0:99 / text \"a\"", "r.toml:4:20: ", "the 1 bytes inside"},
           {"0 eth | snip=3", "r.toml:4:9: ", "known behind | are"},
           {"0 eth / ipv4 / udp / dns q=\"a B\"", "r.toml:4:26: ", "TYPEn and CLASSn"},
           {"0 hex 00", "r.toml:4:3: ", "set link in [file]"},
           {"0 eth / ipv4 / udp\n1s ipv4 / udp", "r.toml:5:1: ", "only pcapng mixes them"},
           {"file section", "r.toml:4:6: ", "format = \"pcapng\""}}) {
    EXPECT_THAT(refused(text), StartsWith(place)) << text;
    EXPECT_THAT(refused(text), HasSubstr(said)) << text;
  }
}

TEST(PacketTextTest, DurationsHaveUnits) {
  EXPECT_EQ(parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("1.000000001s"), 1'000'000'001);
  EXPECT_EQ(parse_duration("-3us"), -3'000);
  for (const char* bad : {"", "5", "s", "1.5", "1.0000000001s", "1.5ns", "99999999999s", "1h"})
    EXPECT_FALSE(parse_duration(bad).has_value()) << bad;
}

}  // namespace
}  // namespace dpi::spec
