#include <gmock/gmock.h>

#include "tests/unit/spec/recipe_text.h"

namespace dpi::spec {
namespace {

using namespace test;  // NOLINT
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(RecipeTest, ReadsEverythingThatARecipeSays) {
  const auto recipe = parse_recipe(R"(title = "A"
shows = "B"
rfc = "RFC 1"
covers = ["link.1"]
filter = "udp"
start = "2024-01-01T00:00:00.000000000Z"
packets = '''
0 eth / ipv4 / udp
'''
[config]
flow.idle_tcp_s = 5
flow.tunnels = "outer"
[file]
format = "pcapng"
order = "big"
compress = "gzip"
patch = ["4:ff00"]
append = "aa"
keep = -3
[expect]
exit = 3
says = ["x"]
anomalies = { frame_cut = 2 }
[expect.heartbeat]
packets_offered = 1
[[expect.flow]]
src_port = 0x10
[[expect.flow]]
vlan_ids = [1, 2]
[[expect.dns]]
id = 1
)",
                                   "r.toml");
  ASSERT_TRUE(recipe.has_value()) << recipe.error().what;
  EXPECT_EQ(recipe->covers[0].text, "link.1");
  EXPECT_EQ(recipe->settings,
            (std::vector<std::string>{"flow.idle_tcp_s=5", "flow.tunnels=\"outer\""}));
  EXPECT_EQ(recipe->start_ns, 1'704'067'200'000'000'000);
  EXPECT_TRUE(recipe->capture.big_endian);
  EXPECT_EQ(recipe->capture.patches[0].first, 4U);
  EXPECT_EQ(recipe->capture.keep, -3);
  EXPECT_EQ(recipe->expect.exit, 3);
  EXPECT_EQ(recipe->expect.flows.size(), 2U);
  EXPECT_EQ(recipe->expect.flows[0].find("src_port")->number, 16);
  EXPECT_EQ(recipe->expect.flows[0].find("src_port")->line, 27U);
  EXPECT_EQ(recipe->expect.dns.size(), 1U);
}

TEST(RecipeTest, WhatIsWrongIsNamedWithItsPlace) {
  for (const auto& [text, place, said] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"title = 3", "r.toml:1:9: ", "title must be a text"},
           {"titel = \"a\"", "r.toml:1:9: ", "unknown key titel"},
           {"title = \"a", "r.toml:1:", ""},
           {"shows = \"a\"", "r.toml:1:1: ", "title = \"…\" is missing"},
           {"title = \"a\"\nshows = \"b\"", "r.toml:1:1: ", "packets = ''' … ''' is missing"},
           {"title = \"a\"\nshows = \"b\"\npackets = \"\"", "r.toml:1:1: ", "[expect] is missing"},
           {"title = \"a\"\nshows = \"b\"\nstart = \"now\"", "r.toml:3:9: ", "YYYY-MM-DD"},
           {recipe_text("", "[file]\nformat = \"pcop\""), "r.toml:7:10: ", "must be one of: pcap"},
           {recipe_text("", "[file]\nkeep = 1.5"), "r.toml:7:8: ", "a whole number"},
           {recipe_text("", "[file]\nappend = \"zz\""), "r.toml:7:10: ", "hexadecimal"},
           {recipe_text("", "[file]\npatch = [\"zz\"]"), "r.toml:7:9: ", "OFFSET:HEX"},
           {recipe_text("") + "exit = 9", "r.toml:8:8: ", "from 0 to 5"},
           {recipe_text("") + "flow = 3", "r.toml:8:8: ", "[[expect.flow]]"},
           {recipe_text("") + "flows = []", "r.toml:8:9: ", "known are exit says"},
           {recipe_text("") + "heartbeat = { x = 1.5 }", "r.toml:8:19: ", "a whole number"}}) {
    const auto recipe = parse_recipe(text, "r.toml");
    ASSERT_FALSE(recipe.has_value()) << text;
    EXPECT_EQ(recipe.error().code, Errc::usage);
    EXPECT_THAT(recipe.error().what, StartsWith(place)) << text;
    EXPECT_THAT(recipe.error().what, HasSubstr(said)) << text;
  }
}

// A recipe cut anywhere is refused or read, never anything else.
TEST(RecipeTest, CutAtEveryByte) {
  const std::string text =
      recipe_text("0 eth / ipv4 192.0.2.1>192.0.2.2 / udp 1>53 / dns q=\"a.example A\" | snap=9",
                  "[file]\nformat = \"pcapng\"\npatch = [\"0:00\"]\n[names]\na = \"eth\"\n");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto recipe = parse_recipe(std::string_view{text}.substr(0, size), "r.toml");
    if (!recipe) {
      EXPECT_THAT(recipe.error().what, StartsWith("r.toml:"));
    }
  }
  EXPECT_TRUE(parse_recipe(text, "r.toml").has_value());
}

TEST(ValueTest, JsonOfPayloadsBecomesToml) {
  const auto value = parse_json(R"({"a":[1,-2,{"b":"x%20y","c":true}],"d":{},"e":[]})");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(toml_text(*value), R"({ a = [1, -2, { b = "x%20y", c = true }], d = {}, e = [] })");
  for (const char* bad : {"", "{", "[1", "{\"a\"}", "{\"a\":}", "\"x", "tru", "1 ", "[1,]", "x"})
    EXPECT_FALSE(parse_json(bad).has_value()) << bad;
  EXPECT_FALSE(parse_json(std::string(40, '[') + std::string(40, ']')).has_value());
}

}  // namespace
}  // namespace dpi::spec
