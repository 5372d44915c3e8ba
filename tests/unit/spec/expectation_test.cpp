#include "probe/spec/expectation.h"

#include <gmock/gmock.h>

#include "tests/unit/spec/recipe_text.h"

namespace dpi::spec {
namespace {

using namespace test;  // NOLINT
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view heartbeat =
    R"({"anomalies":[],"dns_messages":0,"packets_decoded":1,"packets_offered":1})";

Outcome outcome_of(const std::vector<std::string>& flows, std::string_view beat = heartbeat) {
  Outcome out;
  for (const std::string& flow : flows) out.flows.push_back(*parse_json(flow));
  out.heartbeats.push_back(*parse_json(beat));
  return out;
}

std::vector<std::string> differences(const std::string& expect, const Outcome& outcome) {
  const auto recipe = parse_recipe(recipe_text("") + expect, "r.toml");
  EXPECT_TRUE(recipe.has_value()) << (recipe ? "" : recipe.error().what);
  std::vector<std::string> out;
  for (const Difference& d : compare(*recipe, outcome)) out.push_back(d.what);
  return out;
}

TEST(ExpectationTest, OnlyStatedMembersAreCompared) {
  const Outcome o = outcome_of({R"({"a":1,"b":"x","c":[{"d":1,"e":2}]})"});
  EXPECT_THAT(differences("[[expect.flow]]\na = 1\nc = [{ d = 1 }]", o), IsEmpty());
  EXPECT_THAT(differences("[[expect.flow]]\na = 2\nb = \"y\"\nc = [{ d = 3 }]", o),
              ElementsAre("flow 1: a", "flow 1: b", "flow 1: c 1: d"));
  EXPECT_THAT(differences("[[expect.flow]]\nz = 2\nabsent = [\"a\", \"y\"]", o),
              ElementsAre("flow 1: a", "flow 1: z"));
  EXPECT_THAT(differences("[[expect.flow]]\nc = []", o), ElementsAre("flow 1: c"));
}

TEST(ExpectationTest, EveryRowCounts) {
  const Outcome o = outcome_of({R"({"a":1})", R"({"a":2})"});
  EXPECT_THAT(differences("[[expect.flow]]\na = 1", o), ElementsAre("flow 2"));
  EXPECT_THAT(differences("[[expect.flow]]\n[[expect.flow]]\n[[expect.flow]]\na = 3", o),
              ElementsAre("flow 3"));
  EXPECT_THAT(differences("[[expect.flow]]\n[[expect.flow]]\n[[expect.dns]]", o),
              ElementsAre("dns 1"));
}

TEST(ExpectationTest, EveryAnomalyCounts) {
  const Outcome o = outcome_of(
      {}, R"({"anomalies":[{"count":2,"name":"frame_cut"}],"dns_messages":0,"packets_offered":0})");
  EXPECT_THAT(differences("anomalies = { frame_cut = 2 }", o), IsEmpty());
  EXPECT_THAT(differences("anomalies = { frame_cut = 1, frame_empty = 1 }", o),
              ElementsAre("anomaly frame_cut", "anomaly frame_empty"));
  EXPECT_THAT(differences("", o), ElementsAre("anomaly frame_cut"));
}

TEST(ExpectationTest, ExitCodeMessagesAndInvariants) {
  Outcome o = outcome_of({}, R"({"anomalies":[],"dns_messages":3,"packets_offered":7})");
  o.exit = 3;
  o.says = {"file: packet 7 at byte 9"};
  EXPECT_THAT(differences("exit = 3\nsays = [\"byte 9\"]", o),
              ElementsAre("the ledger", "DNS messages"));
  EXPECT_THAT(differences("says = [\"byte 8\", \"more\"]", o),
              ElementsAre("exit code", "message 1", "message 2", "the ledger", "DNS messages"));
  o.heartbeats.clear();
  EXPECT_THAT(differences("exit = 3\nsays = [\"byte 9\"]\nevents = false", o), IsEmpty());
  EXPECT_THAT(differences("exit = 3\nsays = [\"byte 9\"]", o), ElementsAre("last heartbeat"));
}

TEST(ExpectationTest, ADifferenceNamesTheLineAndBothValues) {
  EXPECT_EQ(difference_text("a.toml", {7, "flow 1: src_port", "53", "54"}),
            "a.toml:7: flow 1: src_port\n  expected  53\n  actual    54\n");
}

}  // namespace
}  // namespace dpi::spec
