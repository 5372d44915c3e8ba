#include "probe/app/diff_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace dpi {
namespace {

using spec::Value;

constexpr std::size_t columns_max = 80;
constexpr std::size_t ranking_max = 20;

std::string plain(const Value& value) {
  return value.kind == Value::Kind::text ? value.text : spec::toml_text(value);
}

std::string member(const Value& row, std::string_view name) {
  const Value* const found = row.find(name);
  return found == nullptr ? "" : plain(*found);
}

std::string endpoint(const Value& row, std::string_view side) {
  const std::string ip = member(row, fmt::format("{}_ip", side));
  const std::string port = member(row, fmt::format("{}_port", side));
  return ip.find(':') == std::string::npos ? fmt::format("{}:{}", ip, port)
                                           : fmt::format("[{}]:{}", ip, port);
}

std::string application(const RowDifference& difference) {
  if (difference.kind == RowKind::flow) return member(difference.row, "app");
  return difference.kind == RowKind::dns ? member(difference.row, "service") : "";
}

// At most `columns` bytes of text that may be longer.
std::string cut(std::string text, std::size_t columns) {
  if (text.size() <= columns) return text;
  // Never inside a UTF-8 sequence; payloads are ASCII, file names need not be.
  std::size_t end = columns - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

// What the row is about, on a line or two.
std::string about(const RowDifference& d) {
  const std::string change{row_change_names[static_cast<std::size_t>(d.change)]};
  if (d.kind == RowKind::heartbeat) return fmt::format("{:<8}ledger of the last heartbeat", change);
  std::string what;
  if (d.kind == RowKind::flow) {
    what = fmt::format("flow {} protocol {}", member(d.row, "app"), member(d.row, "protocol"));
    if (member(d.row, "record") != "0") what += fmt::format(" record {}", member(d.row, "record"));
    if (const std::string name = member(d.row, "server_name"); !name.empty()) what += " " + name;
  } else {
    what = fmt::format("{} {} {} {} id {}", member(d.row, "service"), member(d.row, "outcome"),
                       member(d.row, "qname"), member(d.row, "qtype"), member(d.row, "id"));
  }
  return fmt::format("{:<8}{}\n        {} > {}", change, cut(what, columns_max - 8),
                     endpoint(d.row, "src"), endpoint(d.row, "dst"));
}

void append_member(std::string& out, const MemberChange& m) {
  const std::string before = m.before ? plain(*m.before) : "(absent)";
  const std::string after = m.after ? plain(*m.after) : "(absent)";
  const std::string line = fmt::format("          {:<22} {} > {}", m.name, before, after);
  if (line.size() <= columns_max) {
    out += line + '\n';
  } else {
    out += fmt::format("          {}\n            - {}\n            + {}\n", m.name,
                       cut(before, columns_max - 14), cut(after, columns_max - 14));
  }
}

using Changes = std::array<std::uint64_t, row_change_names.size()>;

struct Summary {
  std::array<Changes, row_kind_names.size()> kinds{};
  std::map<std::string, Changes> applications;
  std::map<std::string, std::uint64_t> members;  // "flow app"

  explicit Summary(const RunDifferences& found) {
    for (const RowDifference& d : found.differences) {
      const auto change = static_cast<std::size_t>(d.change);
      const auto kind = static_cast<std::size_t>(d.kind);
      ++kinds[kind][change];
      if (d.kind != RowKind::heartbeat) ++applications[application(d)][change];
      for (const MemberChange& m : d.members)
        ++members[fmt::format("{} {}", row_kind_names[kind], m.name)];
    }
  }
};

std::uint64_t sum(const Changes& changes) {
  return changes[0] + changes[1] + changes[2];
}
std::uint64_t sum(std::uint64_t count) {
  return count;
}

// Most first, then by name.
template <class Map>
std::vector<typename Map::const_iterator> ranking(const Map& map) {
  std::vector<typename Map::const_iterator> out;
  for (auto it = map.begin(); it != map.end(); ++it) out.push_back(it);
  std::stable_sort(out.begin(), out.end(),
                   [](auto a, auto b) { return sum(a->second) > sum(b->second); });
  return out;
}

void append_rest(std::string& out, std::size_t all) {
  if (all > ranking_max) out += fmt::format("  and {} more\n", all - ranking_max);
}

void append_summary(std::string& out, const RunDifferences& found) {
  const Summary summary(found);
  out += fmt::format("{:<24}{:>10}{:>10}{:>9}{:>9}{:>9}{:>9}\n", "ROWS", "FIRST", "SECOND", "EQUAL",
                     "NEW", "GONE", "CHANGED");
  for (std::size_t kind = 0; kind < row_kind_names.size(); ++kind) {
    const RunDifferences::Count& count = found.rows[kind];
    const Changes& changes = summary.kinds[kind];
    out += fmt::format("{:<24}{:>10}{:>10}{:>9}{:>9}{:>9}{:>9}\n",
                       kind == 2 ? "last heartbeat" : row_kind_names[kind], count.first,
                       count.second, count.equal, changes[0], changes[1], changes[2]);
  }
  if (!summary.applications.empty())
    out += fmt::format("\n{:<53}{:>9}{:>9}{:>9}\n", "BY APPLICATION", "NEW", "GONE", "CHANGED");
  const auto applications = ranking(summary.applications);
  for (std::size_t i = 0; i < std::min(applications.size(), ranking_max); ++i) {
    const Changes& changes = applications[i]->second;
    out += fmt::format("{:<53}{:>9}{:>9}{:>9}\n", cut(applications[i]->first, 50), changes[0],
                       changes[1], changes[2]);
  }
  append_rest(out, applications.size());
  if (!summary.members.empty()) out += fmt::format("\n{:<71}{:>9}\n", "BY MEMBER", "CHANGED");
  const auto members = ranking(summary.members);
  for (std::size_t i = 0; i < std::min(members.size(), ranking_max); ++i)
    out += fmt::format("{:<71}{:>9}\n", cut(members[i]->first, 68), members[i]->second);
  append_rest(out, members.size());
}

// As the canonical form has it: texts need no escape.
std::string json_text(const Value& value) {
  std::string out;
  switch (value.kind) {
    case Value::Kind::boolean:
      return value.truth ? "true" : "false";
    case Value::Kind::integer:
      return std::to_string(value.number);
    case Value::Kind::text:
      return fmt::format("\"{}\"", value.text);
    case Value::Kind::list:
      for (const Value& item : value.items)
        out += fmt::format("{}{}", out.empty() ? "" : ",", json_text(item));
      return fmt::format("[{}]", out);
    case Value::Kind::object:
      for (const auto& [name, held] : value.members)
        out += fmt::format("{}\"{}\":{}", out.empty() ? "" : ",", name, json_text(held));
      return fmt::format("{{{}}}", out);
  }
  return out;
}

std::string json_changes(const Changes& changes) {
  std::string out;
  for (std::size_t i = 0; i < changes.size(); ++i)
    out += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", row_change_names[i], changes[i]);
  return out;
}

std::string json_difference(const RowDifference& d) {
  std::string members;
  for (const MemberChange& m : d.members) {
    members += fmt::format("{}\"{}\":[{},{}]", members.empty() ? "" : ",", m.name,
                           m.before ? json_text(*m.before) : "null",
                           m.after ? json_text(*m.after) : "null");
  }
  return fmt::format("{{\"change\":\"{}\",\"kind\":\"{}\",\"members\":{{{}}},\"row\":{}}}",
                     row_change_names[static_cast<std::size_t>(d.change)],
                     row_kind_names[static_cast<std::size_t>(d.kind)], members, json_text(d.row));
}

}  // namespace

std::string diff_text(const RunDifferences& found, const std::string& first,
                      const std::string& second, std::size_t rows_max) {
  if (found.equal()) {
    return fmt::format("equal: {} flows and {} DNS exchanges\n", found.rows[0].first,
                       found.rows[1].first);
  }
  std::string out = fmt::format("first   {}\nsecond  {}\n\n", cut(first, columns_max - 8),
                                cut(second, columns_max - 8));
  const std::size_t all = found.differences.size();
  const std::size_t shown = rows_max == 0 ? all : std::min(rows_max, all);
  for (std::size_t i = 0; i < shown; ++i) {
    out += about(found.differences[i]) + '\n';
    for (const MemberChange& m : found.differences[i].members) append_member(out, m);
  }
  if (shown < all)
    out += fmt::format("and {} more differences (--rows 0 shows all)\n", all - shown);
  out += '\n';
  append_summary(out, found);
  return out;
}

std::string diff_json(const RunDifferences& found) {
  const Summary summary(found);
  std::string rows;
  for (std::size_t kind = 0; kind < row_kind_names.size(); ++kind) {
    const RunDifferences::Count& count = found.rows[kind];
    rows += fmt::format("{}\"{}\":{{\"first\":{},\"second\":{},\"equal\":{},{}}}",
                        kind == 0 ? "" : ",", row_kind_names[kind], count.first, count.second,
                        count.equal, json_changes(summary.kinds[kind]));
  }
  std::string applications;
  for (const auto& [name, changes] : summary.applications)
    applications += fmt::format("{}\"{}\":{{{}}}", applications.empty() ? "" : ",", name,
                                json_changes(changes));
  std::string members;
  for (const auto& [name, count] : summary.members)
    members += fmt::format("{}\"{}\":{}", members.empty() ? "" : ",", name, count);
  std::string differences;
  for (const RowDifference& d : found.differences)
    differences += (differences.empty() ? "" : ",") + json_difference(d);
  return fmt::format(
      "{{\"by_application\":{{{}}},\"by_member\":{{{}}},\"differences\":[{}],\"equal\":{},\"rows\":"
      "{{{}}}}}\n",
      applications, members, differences, found.equal(), rows);
}

}  // namespace dpi
