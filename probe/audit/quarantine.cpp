#include "probe/audit/quarantine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace dpi {
namespace {

// Columns as they are selected.
enum Column : std::size_t {
  at,
  instance,
  seq,
  tenant,
  type,
  version,
  sqlstate,
  rule,
  detail,
  size
};
constexpr const char* columns =
    "ingested_at, component_instance_id, seq, tenant_id, event_type, event_version, sqlstate, "
    "rule, "
    "detail";
// No honest part has more than it has events.
constexpr std::size_t entries_max = 100'000;

std::string_view text_of(const WireField& field) {
  return field ? as_text(*field) : std::string_view{};
}

EventKey key_of(const std::vector<WireField>& fields) {
  return event_key(wire_integer(fields[at]).value_or(0),
                   wire_uuid(fields[instance]).value_or(Uuid{}),
                   static_cast<std::uint64_t>(wire_integer(fields[seq]).value_or(0)));
}

}  // namespace

Result<void> QuarantineAudit::read(const std::string& condition) {
  entries_.clear();
  std::vector<WireField> fields;
  const auto take = [&](Bytes row, bool mended) -> Result<void> {
    if (!split_row(row, fields) || fields.size() < 4)
      return fail(Errc::sink, "database: re_raw.quarantine: unexpected answer");
    if (entries_.size() >= entries_max) {
      too_many_ = true;
      return {};
    }
    const auto [entry, is_new] = entries_.try_emplace(key_of(fields));
    if (mended) {
      entry->second.mended = true;
      entry->second.only_mended = is_new;
      if (is_new) entry->second.row.assign(row.begin(), row.end());
    } else {
      if (!is_new) {
        findings_.add({wire_uuid(fields[instance]),
                       static_cast<std::uint64_t>(wire_integer(fields[seq]).value_or(0)),
                       "re_raw.quarantine", "a row stands there twice"});
      }
      entry->second.row.assign(row.begin(), row.end());
    }
    return {};
  };
  if (auto read = database_.copy_out(
          fmt::format("select {} from re_raw.quarantine where {}", columns, condition),
          [&](Bytes row) { return take(row, false); });
      !read) {
    return read;
  }
  return database_.copy_out(
      fmt::format("select ingested_at, component_instance_id, seq, tenant_id from "
                  "re_raw.quarantine_mended where {}",
                  condition),
      [&](Bytes row) { return take(row, true); });
}

bool QuarantineAudit::holds(const EventKey& key) const {
  const auto entry = entries_.find(key);
  return entry != entries_.end() && !entry->second.mended;
}

Result<void> QuarantineAudit::judge(const AuditedEvent& event, const Envelope& envelope,
                                    const StoredAs& stored,
                                    const std::optional<std::string>& refused,
                                    const std::vector<ExpectedRows>& rows) {
  const auto found = entries_.find(event.key);
  const bool known = plans_.knows(envelope.component, envelope.event_type, envelope.event_version);
  const auto say = [&](std::string_view table, std::string what) {
    findings_.add({event.instance, event.seq, std::string{table}, std::move(what)});
  };
  if (found == entries_.end()) {
    if (!known) say("re_raw.quarantine", "the row is missing: the event's type is not known");
    if (refused)
      say("re_raw.quarantine", "the row is missing: the payload makes no rows: " + *refused);
    return {};
  }
  Entry& entry = found->second;
  entry.met = true;
  std::vector<WireField> f;
  if (!split_row(entry.row, f)) return {};
  if (wire_uuid(f[tenant]) != stored.tenant) {
    say(entry.only_mended ? "re_raw.quarantine_mended" : "re_raw.quarantine",
        fmt::format("tenant_id is {}, the instance is enrolled for {}",
                    field_text(f[tenant], ColumnType::uuid), uuid_text(stored.tenant)));
  }
  if (entry.only_mended) {
    say("re_raw.quarantine_mended", "a row was added: the event is not in quarantine");
    return {};
  }
  if (text_of(f[type]) != envelope.event_type)
    say("re_raw.quarantine", "event_type is " + field_text(f[type], ColumnType::text));
  if (wire_integer(f[version]) != envelope.event_version)
    say("re_raw.quarantine", "event_version is " + field_text(f[version], ColumnType::int4));
  if (entry.mended) return {};  // its rows are compared like those of any event

  const std::string_view code = text_of(f[sqlstate]);
  const auto unlike = [&](std::string_view why) {
    say("re_raw.quarantine", fmt::format("sqlstate, rule and detail are '{}', {} and {}, but {}",
                                         harmless(code), field_text(f[rule], ColumnType::text),
                                         field_text(f[detail], ColumnType::text), why));
  };
  if (!known) {
    if (code != "RE005" || text_of(f[rule]) != "event_type_is_known" || !text_of(f[detail]).empty())
      unlike("the event's type is not known");
    return {};
  }
  if (code == "RE003" && refused) {
    const std::string says = fmt::format(
        "payload of {} lacks a member, has an unknown or repeated one, or one of another type (seq "
        "{})",
        envelope.event_type, envelope.seq);
    if (text_of(f[rule]) != "payload_is_of_contract" ||
        (text_of(f[detail]) != says &&
         !text_of(f[detail]).starts_with("payload is not a canonical")))
      unlike("the payload breaks its contract");
  }
  if (refused) return {};  // which of its rules the server met first is not ours to say
  const std::vector<std::string> broken = rules_.broken(rows);
  if (!broken.empty()) {
    // Of what is there twice, the server names the key.
    if (std::ranges::find(broken, text_of(f[rule])) == broken.end() && code != "23505")
      unlike(harmless(
          fmt::format("the rules that the payload breaks are {}", fmt::join(broken, ", "))));
    return {};
  }
  const auto older = older_bundle(stored.ingested_at);
  if (!older) return tl::unexpected(older.error());
  if (*older) {
    ++derivable_;
  } else {
    say("re_raw.quarantine",
        "a row was added: the payload breaks no rule, its rows should be in their tables");
  }
  return {};
}

Result<bool> QuarantineAudit::older_bundle(SqlTime ingested_at) {
  const auto later =
      database_.query(fmt::format("select from re_core.schema_bundle where applied_at > {} limit 1",
                                  sql_time_literal(ingested_at)));
  if (!later) return tl::unexpected(later.error());
  return !later->empty();
}

void QuarantineAudit::finish() {
  if (std::exchange(too_many_, false)) {
    findings_.add({std::nullopt, std::nullopt, "re_raw.quarantine",
                   "rows were added: there are more than events"});
  }
  std::vector<WireField> f;
  for (const auto& [key, entry] : entries_) {
    if (entry.met || !split_row(entry.row, f)) continue;
    findings_.add({wire_uuid(f[instance]),
                   static_cast<std::uint64_t>(wire_integer(f[seq]).value_or(0)),
                   entry.only_mended ? "re_raw.quarantine_mended" : "re_raw.quarantine",
                   "a row was added: no event is stored there"});
  }
  entries_.clear();
}

}  // namespace dpi
