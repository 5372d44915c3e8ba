// The recipes of pcaps-spec against the rules that the code has.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "probe/spec/capture_writer.h"
#include "probe/spec/recipe.h"
#include "probe/spec/rules.h"

namespace dpi::spec {
namespace {

std::vector<Recipe> all_recipes() {
  std::vector<Recipe> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{"pcaps-spec"}) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream in{entry.path()};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    auto recipe = parse_recipe(text, entry.path().string());
    EXPECT_TRUE(recipe.has_value()) << (recipe ? "" : recipe.error().what);
    if (recipe) out.push_back(std::move(*recipe));
  }
  return out;
}

TEST(CoverageTest, EveryRuleHasARecipe) {
  std::set<std::string> covered;
  for (const Recipe& recipe : all_recipes()) {
    for (const Value& claim : recipe.covers) covered.insert(claim.text);
  }
  std::set<std::string> rules;
  for (const Rule& rule : all_rules()) {
    EXPECT_TRUE(covered.contains(rule.name)) << "no recipe covers " << rule.name;
    EXPECT_TRUE(rules.insert(rule.name).second) << rule.name << " is there twice";
  }
  for (const std::string& claim : covered)
    EXPECT_TRUE(rules.contains(claim)) << claim << " is no rule";
}

TEST(CoverageTest, EveryRecipeSaysWhatItShowsAndHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const Recipe& recipe : all_recipes()) {
    EXPECT_FALSE(recipe.rfc.empty()) << recipe.file << " names no document";
    EXPECT_TRUE(names.insert(capture_name(recipe)).second) << recipe.file;
  }
}

TEST(CoverageTest, EveryRecipeGivesTheSameBytesTwice) {
  for (const Recipe& recipe : all_recipes()) {
    const auto once = build_capture(recipe);
    const auto again = build_capture(recipe);
    ASSERT_TRUE(once.has_value()) << once.error().what;
    EXPECT_EQ(*once, *again) << recipe.file;
  }
}

// A claim that the rows do not show is no cover.
TEST(RulesTest, ClaimsAreChecked) {
  Recipe recipe;
  recipe.covers = {Value::of("end_reason.fin"), Value::of("end_reason.rst"), Value::of("nonsense"),
                   Value::of("file.garbage")};
  Outcome outcome;
  outcome.flows.push_back(*parse_json(R"({"end_reason":"fin","history":"ShT","gap_bytes_src":3})"));
  const auto found = check_claims(recipe, outcome);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].expected, "end_reason.rst");
  EXPECT_EQ(found[1].actual, "nonsense");
  const auto shown = rules_shown(recipe, outcome);
  EXPECT_TRUE(shown.contains("history.t"));
  EXPECT_TRUE(shown.contains("tcp.gap_bytes"));
}

}  // namespace
}  // namespace dpi::spec
