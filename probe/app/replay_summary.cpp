#include "probe/app/replay_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "probe/app/human.h"
#include "probe/app/output_kind.h"
#include "probe/spec/value.h"

namespace dpi {
namespace {

constexpr std::size_t columns_max = 80;
constexpr std::size_t label_columns = 11;

// Members of canonical JSON by text: millions of payloads are not worth a tree each. A name that
// also stands in a nested object gives that which comes first.
std::string_view raw_member(std::string_view payload, std::string_view name) {
  const std::string key = fmt::format("\"{}\":", name);
  const std::size_t at = payload.find(key);
  return at == std::string_view::npos ? std::string_view{} : payload.substr(at + key.size());
}

std::string_view text_member(std::string_view payload, std::string_view name) {
  std::string_view rest = raw_member(payload, name);
  if (!rest.starts_with('"')) return {};
  rest.remove_prefix(1);
  return rest.substr(0, rest.find('"'));
}

std::uint64_t number_member(std::string_view payload, std::string_view name) {
  const std::string_view rest = raw_member(payload, name);
  std::uint64_t out = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), out);
  return out;
}

template <class Observe>
void each_text(std::string_view payload, std::string_view name, Observe observe) {
  std::string_view list = raw_member(payload, name);
  list = list.substr(0, list.find(']'));
  while (!list.empty()) {
    const std::size_t begin = list.find('"');
    if (begin == std::string_view::npos) return;
    list.remove_prefix(begin + 1);
    const std::size_t end = list.find('"');
    if (end == std::string_view::npos) return;
    observe(list.substr(0, end));
    list.remove_prefix(end + 1);
  }
}

class SummarySink final : public EventSink {
 public:
  explicit SummarySink(ReplaySummary& summary) : summary_(summary) {}
  Result<void> event(std::uint64_t /*seq*/, std::string_view envelope,
                     std::string_view payload) override {
    summary_.event(text_member(envelope, "event_type"), payload);
    return {};
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  ReplaySummary& summary_;
};

void append(std::string& out, std::string_view label, const std::string& text) {
  if (!text.empty()) out += fmt::format("{:<{}}{}\n", label, label_columns, text);
}

// Lost before anybody could read it, as far as the captures tell.
std::string loss_of(std::string_view heartbeat) {
  std::string out;
  for (const auto& [member, words] :
       {std::pair{"packets_dropped_kernel", "dropped by the capturing kernel"},
        std::pair{"packets_dropped_nic", "dropped by its interface"},
        std::pair{"packets_malformed", "malformed"},
        std::pair{"packets_truncated", "cut by the snap length"}}) {
    if (const std::uint64_t n = number_member(heartbeat, member); n > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, words);
  }
  return out.empty() ? "nothing" : out;
}

WordCounts anomalies_of(const std::string& heartbeat) {
  WordCounts out(1000);
  const auto parsed = spec::parse_json(heartbeat);
  const spec::Value* const list = parsed ? parsed->find("anomalies") : nullptr;
  if (list == nullptr) return out;
  for (const spec::Value& entry : list->items) {
    const spec::Value* const name = entry.find("name");
    const spec::Value* const count = entry.find("count");
    if (name != nullptr && count != nullptr)
      out.add(name->text, static_cast<std::uint64_t>(count->number));
  }
  return out;
}

// What one does with the run next.
std::string next_command(const std::vector<std::string>& outputs) {
  std::string derived;
  for (const std::string& text : outputs) {
    const auto output = parse_output(text, OutputUse::replay);
    if (!output) continue;
    const auto path = written_path(*output);
    if (output->kind == OutputKind::postgres)
      return "ransomeye-dpi status -d …; select from re_view.flow";
    if (output->kind == OutputKind::spool) return "ransomeye-dpi verify " + output->rest;
    if (output->kind == OutputKind::jsonl && path) return "ransomeye-dpi verify " + output->rest;
    if (path) derived = output->rest;
  }
  if (!derived.empty())
    return derived + " has records for others; --out jsonl:FILE too, to verify what they say";
  return "ransomeye-dpi verify FILE, of what went to standard output";
}

}  // namespace

void WordCounts::add(std::string_view word, std::uint64_t times) {
  const auto known = counts_.find(word);
  if (known != counts_.end()) {
    known->second += times;
  } else if (counts_.size() < words_max_) {
    counts_.emplace(word, times);
  } else {
    counts_["others"] += times;
  }
}

std::string WordCounts::text(std::size_t columns) const {
  std::vector<std::pair<std::string_view, std::uint64_t>> ranking(counts_.begin(), counts_.end());
  std::stable_sort(ranking.begin(), ranking.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t rest_columns = 18;  // of " and 10000 more"
  std::string out;
  std::size_t shown = 0;
  for (const auto& [word, count] : ranking) {
    const std::string piece =
        fmt::format("{}{} {}", shown == 0 ? "" : ", ",
                    word.size() > 40 ? fmt::format("{}...", word.substr(0, 37)) : word, count);
    if (out.size() + piece.size() + rest_columns > columns) break;
    out += piece;
    ++shown;
  }
  if (shown < ranking.size()) out += fmt::format(" and {} more", ranking.size() - shown);
  return out;
}

std::unique_ptr<EventSink> ReplaySummary::sink() {
  return std::make_unique<SummarySink>(*this);
}

void ReplaySummary::event(std::string_view event_type, std::string_view payload) {
  if (event_type == "dpi.flow") flow(payload);
  if (event_type == "dpi.dns") exchange(payload);
  if (event_type == "health.heartbeat") heartbeat_ = payload;
}

void ReplaySummary::flow(std::string_view payload) {
  ++flows_;
  applications_.add(text_member(payload, "app"));
  if (const auto name = text_member(payload, "server_name"); !name.empty()) names_.add(name);
  each_text(payload, "risks", [this](std::string_view risk) { risks_.add(risk); });
  const std::string_view start = text_member(payload, "start_at");
  const std::string_view end = text_member(payload, "end_at");
  if (first_at_.empty() || start < first_at_) first_at_ = start;
  if (end > last_at_) last_at_ = end;
}

void ReplaySummary::exchange(std::string_view payload) {
  ++exchanges_;
  outcomes_.add(text_member(payload, "outcome"));
  if (const auto name = text_member(payload, "qname"); !name.empty()) questions_.add(name);
}

std::string ReplaySummary::text(const Ending& ending) const {
  constexpr std::size_t room = columns_max - label_columns;
  std::string out;
  append(out, "captures",
         fmt::format("{}, {} packets ({} decoded, {} not IP, {} filtered)", ending.captures,
                     number_member(heartbeat_, "packets_offered"),
                     number_member(heartbeat_, "packets_decoded"),
                     number_member(heartbeat_, "packets_not_ip"),
                     number_member(heartbeat_, "packets_filtered")));
  // To the second: 2026-11-30T10:00:00.
  if (!first_at_.empty())
    append(out, "from, to",
           fmt::format("{}Z, {}Z", first_at_.substr(0, 19), last_at_.substr(0, 19)));
  append(out, "flows", fmt::format("{}", flows_));
  append(out, "  apps", applications_.text(room));
  append(out, "  names", names_.text(room));
  append(out, "  risks", risks_.text(room));
  append(out, "DNS",
         exchanges_ == 0 ? "" : fmt::format("{}: {}", exchanges_, outcomes_.text(room - 8)));
  append(out, "  names", questions_.text(room));
  append(out, "anomalies", anomalies_of(heartbeat_).text(room));
  append(out, "lost", loss_of(heartbeat_));
  append(out, "chain", uuid_text(ending.instance));
  append(out, "key", hex(ending.key_id));
  append(out, "next", next_command(ending.outputs));
  return out;
}

}  // namespace dpi
