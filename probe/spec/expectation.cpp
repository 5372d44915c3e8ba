#include "probe/spec/expectation.h"

#include <fmt/format.h>

#include <algorithm>

namespace dpi::spec {
namespace {

class Comparison {
 public:
  Comparison(const Recipe& recipe, const Outcome& outcome)
      : expect_(recipe.expect), outcome_(outcome) {}

  std::vector<Difference> run() {
    if (outcome_.exit != expect_.exit)
      differ(0, "exit code", std::to_string(expect_.exit), std::to_string(outcome_.exit));
    messages();
    rows("flow", expect_.flows, outcome_.flows);
    rows("dns", expect_.dns, outcome_.dns);
    if (!expect_.events) {
      if (!outcome_.heartbeats.empty())
        differ(0, "events", "none", fmt::format("{} heartbeats", outcome_.heartbeats.size()));
    } else if (outcome_.heartbeats.empty()) {
      differ(0, "last heartbeat", "one", "none");
    } else {
      const Value& last = outcome_.heartbeats.back();
      members("heartbeat", expect_.heartbeat, last);
      anomalies(last);
      sums(last);
    }
    return std::move(found_);
  }

 private:
  void differ(std::uint32_t line, std::string what, std::string expected, std::string actual) {
    found_.push_back({line, std::move(what), std::move(expected), std::move(actual)});
  }

  void messages() {
    const std::size_t count = std::max(expect_.says.size(), outcome_.says.size());
    for (std::size_t i = 0; i < count; ++i) {
      const bool wanted = i < expect_.says.size();
      const bool given = i < outcome_.says.size();
      if (wanted && given && outcome_.says[i].find(expect_.says[i].text) != std::string::npos)
        continue;
      differ(wanted ? expect_.says[i].line : 0, fmt::format("message {}", i + 1),
             wanted ? fmt::format("… {} …", expect_.says[i].text) : "none",
             given ? outcome_.says[i] : "none");
    }
  }
  void rows(std::string_view kind, const std::vector<Value>& expected,
            const std::vector<Value>& actual) {
    const std::size_t both = std::min(expected.size(), actual.size());
    for (std::size_t i = 0; i < both; ++i)
      members(fmt::format("{} {}", kind, i + 1), expected[i], actual[i]);
    for (std::size_t i = both; i < expected.size(); ++i)
      differ(expected[i].line, fmt::format("{} {}", kind, i + 1), toml_text(expected[i]), "no row");
    for (std::size_t i = both; i < actual.size(); ++i)
      differ(0, fmt::format("{} {}", kind, i + 1), "no row", toml_text(actual[i]));
  }
  // The members that `expected` states; `absent` lists those that must not be there.
  void members(const std::string& where, const Value& expected, const Value& actual) {
    for (const auto& [name, value] : expected.members) {
      if (name == "absent") {
        for (const Value& member : value.items) {
          if (const Value* const there = actual.find(member.text))
            differ(value.line, fmt::format("{}: {}", where, member.text), "absent",
                   toml_text(*there));
        }
        continue;
      }
      const std::string at = fmt::format("{}: {}", where, name);
      const Value* const there = actual.find(name);
      if (there == nullptr) {
        differ(value.line, at, toml_text(value), "absent");
      } else {
        one(at, value, *there);
      }
    }
  }
  void one(const std::string& at, const Value& expected, const Value& actual) {
    if (expected.kind == Value::Kind::object && actual.kind == Value::Kind::object) {
      members(at, expected, actual);
      return;
    }
    if (expected.kind == Value::Kind::list && actual.kind == Value::Kind::list &&
        expected.items.size() == actual.items.size()) {
      for (std::size_t i = 0; i < expected.items.size(); ++i)
        one(fmt::format("{} {}", at, i + 1), expected.items[i], actual.items[i]);
      return;
    }
    if (toml_text(expected) != toml_text(actual))
      differ(expected.line, at, toml_text(expected), toml_text(actual));
  }

  static std::int64_t integer(const Value& row, std::string_view name) {
    const Value* const member = row.find(name);
    return member != nullptr ? member->number : 0;
  }
  // Every anomaly of the heartbeat, whether the recipe names it or not.
  void anomalies(const Value& heartbeat) {
    const Value* const list = heartbeat.find("anomalies");
    if (list == nullptr) return;
    for (const Value& entry : list->items) {
      const Value* const name = entry.find("name");
      const Value* const wanted = expect_.anomalies.find(name != nullptr ? name->text : "");
      const std::int64_t count = integer(entry, "count");
      if (wanted == nullptr || wanted->number != count) {
        differ(wanted != nullptr ? wanted->line : expect_.anomalies.line,
               fmt::format("anomaly {}", name != nullptr ? name->text : "?"),
               wanted != nullptr ? std::to_string(wanted->number) : "none", std::to_string(count));
      }
    }
    for (const auto& [name, wanted] : expect_.anomalies.members) {
      const bool there =
          std::any_of(list->items.begin(), list->items.end(), [&name = name](const Value& entry) {
            const Value* const n = entry.find("name");
            return n != nullptr && n->text == name;
          });
      if (!there)
        differ(wanted.line, fmt::format("anomaly {}", name), std::to_string(wanted.number), "none");
    }
  }
  // What holds for every replay (docs/ARCHITECTURE.md, "Invariants").
  void sums(const Value& heartbeat) {
    std::int64_t buckets = 0;
    for (const std::string_view bucket :
         {"packets_decoded", "packets_filtered", "packets_malformed", "packets_not_ip",
          "packets_dropped_kernel", "packets_dropped_nic", "packets_shed"})
      buckets += integer(heartbeat, bucket);
    if (buckets != integer(heartbeat, "packets_offered")) {
      differ(0, "the ledger",
             fmt::format("{} packets offered", integer(heartbeat, "packets_offered")),
             fmt::format("{} in the buckets", buckets));
    }
    std::int64_t messages = 0;
    for (const Value& row : outcome_.dns)
      messages += integer(row, "queries") + integer(row, "responses");
    if (messages != integer(heartbeat, "dns_messages")) {
      differ(0, "DNS messages", fmt::format("{} seen", integer(heartbeat, "dns_messages")),
             fmt::format("{} in rows", messages));
    }
  }

  const Expectation& expect_;
  const Outcome& outcome_;
  std::vector<Difference> found_;
};

void append_rows(std::string& out, std::string_view kind, const std::vector<Value>& rows) {
  for (const Value& row : rows) {
    out += fmt::format("\n[[expect.{}]]\n", kind);
    for (const auto& [name, member] : row.members)
      out += fmt::format("{} = {}\n", name, toml_text(member));
  }
}

}  // namespace

std::vector<Difference> compare(const Recipe& recipe, const Outcome& outcome) {
  return Comparison{recipe, outcome}.run();
}

std::string difference_text(const std::string& file, const Difference& difference) {
  const std::string line = difference.line > 0 ? fmt::format(":{}", difference.line) : "";
  return fmt::format("{}{}: {}\n  expected  {}\n  actual    {}\n", file, line, difference.what,
                     difference.expected, difference.actual);
}

std::string outcome_text(const Outcome& outcome) {
  std::string out = fmt::format("[expect]\nexit = {}\n", outcome.exit);
  if (!outcome.says.empty()) {
    out += "says = [\n";
    for (const std::string& message : outcome.says) out += fmt::format("  '{}',\n", message);
    out += "]\n";
  }
  if (!outcome.heartbeats.empty()) {
    const Value& last = outcome.heartbeats.back();
    out += "\n[expect.anomalies]\n";
    if (const Value* const list = last.find("anomalies")) {
      for (const Value& entry : list->items) {
        const Value* const name = entry.find("name");
        const Value* const count = entry.find("count");
        if (name != nullptr && count != nullptr)
          out += fmt::format("{} = {}\n", name->text, count->number);
      }
    }
    out += "\n[expect.heartbeat]\n";
    for (const auto& [name, member] : last.members) {
      const bool counts = member.kind == Value::Kind::integer &&
                          (name.starts_with("packets_") || name.starts_with("flow") ||
                           name.starts_with("dns_") || name == "time_backward_steps");
      if (counts && member.number != 0) out += fmt::format("{} = {}\n", name, member.number);
    }
  }
  append_rows(out, "flow", outcome.flows);
  append_rows(out, "dns", outcome.dns);
  return out;
}

}  // namespace dpi::spec
