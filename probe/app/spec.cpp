#include "probe/app/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "probe/app/files.h"
#include "probe/app/report.h"
#include "probe/app/spec_members.h"
#include "probe/app/spec_replay.h"
#include "probe/spec/capture_writer.h"
#include "probe/spec/rules.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;
using spec::Recipe;

constexpr std::string_view default_folder = "pcaps-spec";
constexpr std::uintmax_t recipe_bytes_max = 4U << 20U;

// *.toml of the folders, by name; files as they are given.
Result<std::vector<std::string>> list_recipes(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  const std::vector<std::string> places =
      given.empty() ? std::vector<std::string>{std::string{default_folder}} : given;
  for (const std::string& place : places) {
    std::error_code problem;
    if (!fs::is_directory(place, problem)) {
      out.push_back(place);
      continue;
    }
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator it{place, problem}, end; !problem && it != end;
         it.increment(problem)) {
      if (it->path().extension() == ".toml") found.push_back(it->path().string());
    }
    if (problem)
      return fail(Errc::usage, fmt::format("{}: cannot be read: {}", place, problem.message()));
    if (found.empty()) return fail(Errc::usage, fmt::format("{}: holds no recipe (*.toml)", place));
    std::sort(found.begin(), found.end());
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

Result<Recipe> read_recipe(const std::string& path) {
  std::error_code problem;
  const std::uintmax_t size = fs::file_size(path, problem);
  if (problem)
    return fail(Errc::usage, fmt::format("{}: {}; give a recipe or a folder of recipes", path,
                                         problem.message()));
  if (size > recipe_bytes_max)
    return fail(Errc::usage, fmt::format("{}: more than 4 MiB, that is no recipe", path));
  std::ifstream in{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  return spec::parse_recipe(text, path);
}

// The rules and the recipes that cover them.
class Coverage {
 public:
  void add(const Recipe& recipe) {
    for (const spec::Value& claim : recipe.covers) by_rule_[claim.text].push_back(recipe.file);
  }
  [[nodiscard]] std::vector<std::string> missing() const {
    std::vector<std::string> out;
    for (const spec::Rule& rule : spec::all_rules()) {
      if (!by_rule_.contains(rule.name)) out.push_back(rule.name);
    }
    return out;
  }
  void print() const {
    fmt::print(
        "# Rules and their recipes\n\n"
        "Printed by `ransomeye-dpi spec check --index`; a test compares. The rules are the code's "
        "own\nlists; `covers` of a recipe names those that it pins, and `spec check` refuses a "
        "claim that the rows\ndo not show.\n");
    std::string kind;
    for (const spec::Rule& rule : spec::all_rules()) {
      const std::size_t dot = rule.name.find('.');
      const std::string its_kind = rule.name.substr(0, dot);
      if (its_kind != kind) fmt::print("\n| {} | recipes |\n|---|---|\n", its_kind);
      kind = its_kind;
      const auto found = by_rule_.find(rule.name);
      fmt::print("| `{}` | {} |\n",
                 dot == std::string::npos ? rule.name : rule.name.substr(dot + 1),
                 found == by_rule_.end() ? "**none**" : names(found->second));
    }
  }

 private:
  static std::string names(const std::vector<std::string>& files) {
    std::string out;
    for (const std::string& file : files) {
      const fs::path path{file};
      const std::string folder = path.parent_path().filename().string();
      out +=
          fmt::format("{}{}{}{}", out.empty() ? "" : ", ", folder == default_folder ? "" : folder,
                      folder == default_folder ? "" : "/", path.stem().string());
    }
    return out;
  }
  std::map<std::string, std::vector<std::string>> by_rule_;
};

Result<std::size_t> check_one(const Recipe& recipe, bool show) {
  if (auto known = check_expected_members(recipe); !known) return tl::unexpected(known.error());
  const auto outcome = replay_recipe(recipe);
  if (!outcome) return tl::unexpected(outcome.error());
  if (show) fmt::print("# {}\n{}\n", recipe.file, spec::outcome_text(*outcome));
  std::vector<spec::Difference> found = spec::compare(recipe, *outcome);
  for (spec::Difference& claim : spec::check_claims(recipe, *outcome))
    found.push_back(std::move(claim));
  if (!show) {
    for (const spec::Difference& difference : found)
      fmt::print("{}", spec::difference_text(recipe.file, difference));
  }
  return found.size();
}

}  // namespace

int run_spec_build(const SpecOptions& options) {
  const auto paths = list_recipes(options.recipes);
  if (!paths) return report(paths.error());
  std::error_code problem;
  fs::create_directories(options.to, problem);
  std::set<std::string> names;
  for (const std::string& path : *paths) {
    const auto recipe = read_recipe(path);
    if (!recipe) return report(recipe.error());
    const auto bytes = spec::build_capture(*recipe);
    if (!bytes) return report(bytes.error());
    const std::string name = spec::capture_name(*recipe);
    if (!names.insert(name).second) {
      return report({Errc::usage,
                     fmt::format("{}: another recipe is called so too; rename one of them", path)});
    }
    if (auto written = write_file(fs::path{options.to} / name, as_text(*bytes)); !written)
      return report(written.error());
  }
  fmt::print("{} captures in {}\n", names.size(), options.to);
  return exit_done;
}

int run_spec_check(const SpecOptions& options) {
  const auto paths = list_recipes(options.recipes);
  if (!paths) return report(paths.error());
  Coverage coverage;
  std::size_t hold = 0, differ = 0, differences = 0;
  int code = exit_done;
  for (const std::string& path : *paths) {
    const auto recipe = read_recipe(path);
    if (!recipe) {
      code = report(recipe.error());
      continue;
    }
    coverage.add(*recipe);
    if (options.index) continue;
    const auto found = check_one(*recipe, options.outcome);
    if (!found) {
      code = report(found.error());
      continue;
    }
    differences += *found;
    ++(*found > 0 ? differ : hold);
  }
  if (options.index) {
    coverage.print();
    return code;
  }
  if (options.outcome) return code;
  // All rules are only to be covered by all recipes.
  const std::vector<std::string> missing =
      options.recipes.empty() ? coverage.missing() : std::vector<std::string>{};
  for (const std::string& rule : missing) fmt::print("no recipe covers {}\n", rule);
  fmt::print("{} recipes: {} hold, {} differ", paths->size(), hold, differ);
  if (differ > 0) fmt::print(" in {} places", differences);
  if (hold + differ < paths->size())
    fmt::print(", {} are not understood", paths->size() - hold - differ);
  if (!missing.empty()) fmt::print("; {} rules without a recipe", missing.size());
  fmt::print("\n");
  if (code == exit_done && (differ > 0 || !missing.empty())) code = exit_verification;
  return code;
}

}  // namespace dpi
