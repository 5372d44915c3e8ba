#include "probe/app/run_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace dpi {
namespace {

using spec::Value;

constexpr std::string_view heartbeat_type = "health.heartbeat";

// Flows and exchanges; those of a live probe's canaries are no traffic.
std::optional<RowKind> kind_of(std::string_view event_type, std::string_view payload) {
  if (event_type == heartbeat_type) return RowKind::heartbeat;
  if (payload.find("\"canary\":true") != std::string_view::npos) return std::nullopt;
  if (event_type == "dpi.flow") return RowKind::flow;
  if (event_type == "dpi.dns") return RowKind::dns;
  return std::nullopt;
}

std::string text_of(const Value& row, std::string_view name) {
  const Value* const member = row.find(name);
  if (member == nullptr) return "";
  return member->kind == Value::Kind::text ? member->text : std::to_string(member->number);
}

std::string key_of(RowKind kind, const Value& row) {
  if (kind == RowKind::flow)
    return fmt::format("{} {:>10}", text_of(row, "community_id"), text_of(row, "record"));
  return fmt::format("{} {:>5} {} {}", text_of(row, "community_id"), text_of(row, "id"),
                     text_of(row, "qname"), text_of(row, "qtype"));
}

// When it began: rows of one key are first matched by it.
std::string time_of(RowKind kind, const Value& row) {
  if (kind == RowKind::flow) return text_of(row, "start_at");
  const std::string query = text_of(row, "query_at");
  return query.empty() ? text_of(row, "response_at") : query;
}

std::vector<MemberChange> changes(const Value& before, const Value& after) {
  std::vector<MemberChange> out;
  for (const auto& [name, value] : before.members) {
    const Value* const there = after.find(name);
    if (there == nullptr) {
      out.push_back({name, value, std::nullopt});
    } else if (spec::toml_text(value) != spec::toml_text(*there)) {
      out.push_back({name, value, *there});
    }
  }
  for (const auto& [name, value] : after.members) {
    if (before.find(name) == nullptr) out.push_back({name, std::nullopt, value});
  }
  std::sort(out.begin(), out.end(),
            [](const MemberChange& a, const MemberChange& b) { return a.name < b.name; });
  return out;
}

// Rows of one key that one run has and the other has not, each in the order of time.
struct Unequal {
  std::vector<Value> first;
  std::vector<Value> second;
};

class Matching {
 public:
  Matching(RowKind kind, std::vector<RowDifference>& out) : kind_(kind), out_(out) {}

  void add_first(const std::string& payload) { add(payload, &Unequal::first); }
  void add_second(const std::string& payload) { add(payload, &Unequal::second); }

  void finish() {
    for (auto& [key, unequal] : by_key_) match(unequal);
  }

 private:
  void add(const std::string& payload, std::vector<Value> Unequal::*side) {
    auto row = spec::parse_json(payload);
    if (!row) row = Value{};  // of another version: it still counts
    (by_key_[key_of(kind_, *row)].*side).push_back(std::move(*row));
  }

  void match(Unequal& unequal) {
    const auto earlier = [this](const Value& a, const Value& b) {
      const std::string time_a = time_of(kind_, a);
      const std::string time_b = time_of(kind_, b);
      return time_a != time_b ? time_a < time_b : spec::toml_text(a) < spec::toml_text(b);
    };
    std::stable_sort(unequal.first.begin(), unequal.first.end(), earlier);
    std::stable_sort(unequal.second.begin(), unequal.second.end(), earlier);
    std::vector<bool> taken(unequal.second.size());
    std::vector<const Value*> alone;
    for (const Value& before : unequal.first) {
      std::size_t at = 0;
      while (at < taken.size() &&
             (taken[at] || time_of(kind_, unequal.second[at]) != time_of(kind_, before)))
        ++at;
      if (at == taken.size()) {
        alone.push_back(&before);
      } else {
        taken[at] = true;
        changed(before, unequal.second[at]);
      }
    }
    // What began at another time: in order.
    std::size_t at = 0;
    for (const Value* const before : alone) {
      while (at < taken.size() && taken[at]) ++at;
      if (at == taken.size()) {
        out_.push_back({kind_, RowChange::gone, *before, {}});
      } else {
        taken[at] = true;
        changed(*before, unequal.second[at]);
      }
    }
    for (at = 0; at < taken.size(); ++at) {
      if (!taken[at]) out_.push_back({kind_, RowChange::added, unequal.second[at], {}});
    }
  }
  void changed(const Value& before, const Value& after) {
    out_.push_back({kind_, RowChange::changed, after, changes(before, after)});
  }

  RowKind kind_;
  std::vector<RowDifference>& out_;
  std::map<std::string, Unequal> by_key_;
};

// Of a heartbeat what was found in the packets: every packet in its bucket, the anomalies by name.
// The rest is about the run itself.
Value ledger_of(const std::string& payload) {
  Value out;
  const auto heartbeat = spec::parse_json(payload);
  if (!heartbeat) return out;
  for (const auto& [name, value] : heartbeat->members) {
    if (name.starts_with("packets_") || name == "time_backward_steps")
      out.members.push_back({name, value});
    if (name != "anomalies") continue;
    for (const Value& entry : value.items) {
      const Value* const count = entry.find("count");
      if (count != nullptr) out.members.push_back({"anomaly " + text_of(entry, "name"), *count});
    }
  }
  return out;
}

}  // namespace

void RunComparison::first(std::string_view event_type, std::string_view payload) {
  const auto kind = kind_of(event_type, payload);
  if (!kind) return;
  if (*kind == RowKind::heartbeat) {
    ledger_[0] = std::string{payload};
    return;
  }
  const auto index = static_cast<std::size_t>(*kind);
  ++out_.rows[index].first;
  ++rows_[index].first[std::string{payload}];
}

void RunComparison::second(std::string_view event_type, std::string_view payload) {
  const auto kind = kind_of(event_type, payload);
  if (!kind) return;
  if (*kind == RowKind::heartbeat) {
    ledger_[1] = std::string{payload};
    return;
  }
  const auto index = static_cast<std::size_t>(*kind);
  RunDifferences::Count& count = out_.rows[index];
  ++count.second;
  Rows& rows = rows_[index];
  const auto same = rows.first.find(std::string{payload});
  if (same == rows.first.end()) {
    rows.second.emplace_back(payload);
    return;
  }
  ++count.equal;
  if (--same->second == 0) rows.first.erase(same);
}

RunDifferences RunComparison::finish() {
  for (const RowKind kind : {RowKind::flow, RowKind::dns}) {
    Rows& rows = rows_[static_cast<std::size_t>(kind)];
    Matching matching(kind, out_.differences);
    for (const auto& [payload, times] : rows.first) {
      for (std::uint64_t i = 0; i < times; ++i) matching.add_first(payload);
    }
    for (const std::string& payload : rows.second) matching.add_second(payload);
    matching.finish();
  }
  const Value before = ledger_of(ledger_[0].value_or("{}"));
  const Value after = ledger_of(ledger_[1].value_or("{}"));
  RunDifferences::Count& count = out_.rows[static_cast<std::size_t>(RowKind::heartbeat)];
  count = {ledger_[0] ? 1U : 0U, ledger_[1] ? 1U : 0U, 0};
  if (std::vector<MemberChange> found = changes(before, after); !found.empty()) {
    out_.differences.push_back({RowKind::heartbeat, RowChange::changed, after, std::move(found)});
  } else {
    count.equal = std::min(count.first, count.second);
  }
  return std::move(out_);
}

}  // namespace dpi
