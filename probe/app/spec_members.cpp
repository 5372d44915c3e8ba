#include "probe/app/spec_members.h"

#include <fmt/format.h>

#include <vector>

#include "probe/app/payload_members.h"
#include "probe/app/suggest.h"

namespace dpi {
namespace {

Result<void> check_row(const spec::Recipe& recipe, std::string_view kind, const spec::Value& row) {
  const auto members = payload_members(kind);
  const auto check = [&](const std::string& name, std::uint32_t line) -> Result<void> {
    if (members.contains(name)) return {};
    const std::vector<std::string> names(members.begin(), members.end());
    return fail(Errc::usage, fmt::format("{}:{}: no {} event has a member {}{}", recipe.file, line,
                                         kind, name, suggestion(name, names)));
  };
  for (const auto& [name, value] : row.members) {
    if (name != "absent") {
      if (auto known = check(name, value.line); !known) return known;
      continue;
    }
    for (const spec::Value& absent : value.items) {
      if (auto known = check(absent.text, value.line); !known) return known;
    }
  }
  return {};
}

}  // namespace

Result<void> check_expected_members(const spec::Recipe& recipe) {
  for (const spec::Value& row : recipe.expect.flows) {
    if (auto known = check_row(recipe, "flow", row); !known) return known;
  }
  for (const spec::Value& row : recipe.expect.dns) {
    if (auto known = check_row(recipe, "dns", row); !known) return known;
  }
  return check_row(recipe, "heartbeat", recipe.expect.heartbeat);
}

}  // namespace dpi
