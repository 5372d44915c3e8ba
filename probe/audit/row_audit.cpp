#include "probe/audit/row_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/audit/raw_row.h"
#include "probe/audit/reading.h"

namespace dpi {
namespace {

// Bounds what is held at a time: payloads of at most 60 KiB, and their rows.
constexpr std::size_t events_per_part = 2048;

constexpr const char* order_by_key = " order by ingested_at, component_instance_id, seq";

std::string sql_key(SqlTime ingested_at, const Uuid& instance, std::int64_t seq) {
  return fmt::format("({}, '{}'::uuid, {}::bigint)", sql_time_literal(ingested_at),
                     uuid_text(instance), seq);
}

bool in_calendar(SqlTime time) {
  constexpr SqlTime day = 86'400'000'000, year = 366 * day;
  return time > -1900 * year && time < 7900 * year;
}

}  // namespace

RowAudit::RowAudit(Postgres& database, const BundleCatalogue& bundle, const RowPlans& plans,
                   const std::vector<const BundleTable*>& readable, const Registry& registry,
                   Findings& findings, const Scope& scope)
    : database_(database),
      raw_table_(bundle.table("re_raw.raw_event")),
      readable_(readable),
      registry_(registry),
      plans_(plans),
      findings_(findings),
      scope_(scope),
      deriver_(plans),
      quarantine_(database, plans, findings),
      expected_(plans.tables().size()) {}

// Rows behind the last part; up to the end of this one, or of all.
std::string RowAudit::range(bool last) const {
  std::string out = scope_.condition();
  // The times alone once more, for the choice of partitions.
  if (after_) {
    out += fmt::format(" and ingested_at >= {} and (ingested_at, component_instance_id, seq) > {}",
                       sql_time_literal(*after_time_), *after_);
  }
  if (!last && upto_) {
    out += fmt::format(" and ingested_at <= {} and (ingested_at, component_instance_id, seq) <= {}",
                       sql_time_literal(*upto_time_), *upto_);
  }
  return out;
}

Result<void> RowAudit::read_events() {
  raw_.clear();
  events_.clear();
  return database_.copy_out(
      fmt::format("select {} from re_raw.raw_event where {}{} limit {}", column_list(raw_table_),
                  range(true), order_by_key, events_per_part),
      [&](Bytes row) -> Result<void> {
        RawEvent& raw = raw_.emplace_back();
        raw.row.assign(row.begin(), row.end());
        if (!split_row(raw.row, raw.fields) || raw.fields.size() != raw_columns)
          return fail(Errc::sink, "database: re_raw.raw_event: unexpected answer");
        const SqlTime at = wire_integer(raw.fields[raw_ingested_at]).value_or(0);
        if (!in_calendar(at))
          return fail(Errc::verification,
                      "re_raw.raw_event: ingested_at lies outside any calendar");
        AuditedEvent& event = events_.emplace_back();
        event.instance = wire_uuid(raw.fields[raw_instance]).value_or(Uuid{});
        event.seq = static_cast<std::uint64_t>(wire_integer(raw.fields[raw_seq]).value_or(0));
        event.key = event_key(at, event.instance, event.seq);
        if (raw.fields[raw_envelope])
          raw.envelope = parse_envelope(as_text(*raw.fields[raw_envelope]));
        return {};
      });
}

// The batches that hold the events of the part, by instance and sequence: the ledger has no other
// index, and needs none.
Result<void> RowAudit::read_batches() {
  batches_.clear();
  std::map<Uuid, std::pair<std::uint64_t, std::uint64_t>> wanted;
  for (const AuditedEvent& event : events_) {
    const auto [at, is_new] = wanted.try_emplace(event.instance, event.seq, event.seq);
    at->second.first = std::min(at->second.first, event.seq);
    at->second.second = std::max(at->second.second, event.seq);
  }
  if (wanted.empty()) return {};
  std::string values;
  for (const auto& [instance, range] : wanted) {
    values += fmt::format("{}('{}'::uuid, {}::bigint, {}::bigint)", values.empty() ? "" : ", ",
                          uuid_text(instance), static_cast<std::int64_t>(range.first),
                          static_cast<std::int64_t>(range.second));
  }
  auto read = database_.copy_out(
      fmt::format(
          "select w.i, s.first_seq, s.last_seq, s.ingested_at, s.first_prev_hash, s.last_hash "
          "from (values {}) w(i, lo, hi) cross join lateral ("
          "select * from re_raw.ingest_segment g where g.component_instance_id = w.i and "
          "g.last_seq between w.lo and w.hi union all "
          "(select * from re_raw.ingest_segment g where g.component_instance_id = w.i and "
          "g.last_seq > w.hi order by g.last_seq limit 1)) s where s.first_seq <= w.hi "
          "union all select w.i, f.first_missing, f.last_missing, f.ingested_at, null, null "
          "from (values {}) w(i, lo, hi) join re_raw.chain_gap_fill f on f.component_instance_id = "
          "w.i and f.first_missing <= w.hi and f.last_missing >= w.lo",
          values, values),
      [&](Bytes row) -> Result<void> {
        Batch batch;
        batch.row.assign(row.begin(), row.end());
        std::vector<WireField> fields;
        if (!split_row(batch.row, fields))
          return fail(Errc::sink, "database: re_raw.ingest_segment: unexpected answer");
        batch.first_seq = static_cast<std::uint64_t>(wire_integer(fields[1]).value_or(0));
        batch.last_seq = static_cast<std::uint64_t>(wire_integer(fields[2]).value_or(0));
        batch.ingested_at = wire_integer(fields[3]).value_or(0);
        batch.first_prev_hash = fields[4];
        batch.last_hash = fields[5];
        batches_[wire_uuid(fields[0]).value_or(Uuid{})].push_back(std::move(batch));
        return {};
      });
  for (auto& [instance, batches] : batches_) std::ranges::sort(batches, {}, &Batch::first_seq);
  return read;
}

const RowAudit::Batch* RowAudit::batch_of(const Uuid& instance, std::uint64_t seq) const {
  const auto batches = batches_.find(instance);
  if (batches == batches_.end()) return nullptr;
  auto at = std::ranges::upper_bound(batches->second, seq, {}, &Batch::first_seq);
  if (at == batches->second.begin()) return nullptr;
  --at;
  return at->last_seq >= seq ? &*at : nullptr;
}

void RowAudit::judge_batch(const RawEvent& event, const Batch& batch) {
  const Envelope& envelope = *event.envelope;
  const auto differs = [&](const WireField& field, const Digest& digest) {
    return field && !std::ranges::equal(*field, digest);
  };
  const auto say = [&](std::string column, std::string what) {
    findings_.add({envelope.identity.instance, envelope.seq,
                   fmt::format("re_raw.ingest_segment (first_seq {})", batch.first_seq),
                   column + what});
  };
  if (envelope.seq == batch.first_seq && differs(batch.first_prev_hash, envelope.prev_hash)) {
    say("first_prev_hash is ", field_text(batch.first_prev_hash, ColumnType::bytea) +
                                   ", the event says " + hex(envelope.prev_hash));
  }
  if (envelope.seq != batch.last_seq || !event.fields[raw_envelope]) return;
  const Digest hash = envelope_hash(as_text(*event.fields[raw_envelope]));
  if (differs(batch.last_hash, hash)) {
    say("last_hash is ",
        field_text(batch.last_hash, ColumnType::bytea) + ", that of the event is " + hex(hash));
  }
}

void RowAudit::judge_event(std::size_t index) {
  RawEvent& raw = raw_[index];
  AuditedEvent& event = events_[index];
  const auto say = [&](std::string where, std::string what) {
    findings_.add({event.instance, event.seq, std::move(where), std::move(what)});
  };
  totals_.instances.insert(event.instance);
  event.unjudged = true;  // until its bytes are known to be an event
  const auto enrolled = registry_.find(event.instance);
  if (!raw.envelope) return say("re_raw.raw_event.envelope", "it is no envelope");
  const auto& envelope = *raw.envelope;
  const auto envelope_text = as_text(*raw.fields[raw_envelope]);
  const auto payload =
      raw.fields[raw_payload] ? as_text(*raw.fields[raw_payload]) : std::string_view{};
  if (auto committed = check_commitments(envelope, payload); !committed)
    return say("re_raw.raw_event.payload", committed.error().what);
  event.unjudged = false;

  StoredAs stored{.ingested_at = wire_integer(raw.fields[raw_ingested_at]).value_or(0),
                  .tenant = wire_uuid(raw.fields[raw_tenant]).value_or(Uuid{})};
  const StoredAs as_found = stored;
  const Batch* const batch = batch_of(event.instance, event.seq);
  if (batch == nullptr) {
    say("re_raw.ingest_segment", "no batch of the ledger holds this event");
  } else {
    stored.ingested_at = batch->ingested_at;
    judge_batch(raw, *batch);
  }
  if (enrolled == registry_.end()) {
    say("re_core.component_instance", "the instance is not enrolled");
  } else {
    stored.tenant = enrolled->second.tenant;
    if (enrolled->second.machine != envelope.identity.machine ||
        enrolled->second.component != envelope.component ||
        enrolled->second.mode != mode_name(envelope.identity.mode)) {
      say("re_core.component_instance",
          fmt::format(
              "machine_id, component and mode are {}, '{}' and '{}', the event says {}, '{}' "
              "and '{}'",
              uuid_text(enrolled->second.machine), harmless(enrolled->second.component),
              harmless(enrolled->second.mode), uuid_text(envelope.identity.machine),
              envelope.component, mode_name(envelope.identity.mode)));
    }
  }
  wanted_.clear();
  write_raw_row(wanted_, envelope, envelope_text, payload, stored);
  if (!std::ranges::equal(wanted_, raw.row)) {
    // Under the name that is signed, wherever the row was put.
    AuditedEvent named = event;
    named.instance = envelope.identity.instance;
    named.seq = envelope.seq;
    findings_.add(row_difference(raw_table_, named, raw.row, wanted_));
  }
  // Rows of an event that was moved as a whole are looked for where it is.
  derive(index, {.ingested_at = as_found.ingested_at, .tenant = stored.tenant});
}

void RowAudit::derive(std::size_t index, const StoredAs& stored) {
  AuditedEvent& event = events_[index];
  const Envelope& envelope = *raw_[index].envelope;
  const auto payload = as_text(*raw_[index].fields[raw_payload]);
  if (!quarantine_.holds(event.key)) {
    const auto refused = deriver_.derive(envelope, payload, stored, index, expected_);
    if (refused) event.no_rows = "its payload makes no rows: " + *refused;
    failed_ = failed_ ? failed_ : failure(quarantine_.judge(event, envelope, stored, refused, {}));
    return;
  }
  ++totals_.quarantined;
  event.no_rows = "the event is in quarantine";
  std::vector<ExpectedRows> apart(expected_.size());
  const auto refused = deriver_.derive(envelope, payload, stored, index, apart);
  failed_ = failed_ ? failed_ : failure(quarantine_.judge(event, envelope, stored, refused, apart));
}

std::optional<Error> RowAudit::failure(const Result<void>& result) {
  return result ? std::nullopt : std::optional{result.error()};
}

Result<void> RowAudit::compare_tables(bool last) {
  for (std::size_t t = 0; t < expected_.size(); ++t) {
    const BundleTable& table = *plans_.tables()[t];
    if (std::ranges::find(readable_, &table) == readable_.end()) continue;
    TableComparison comparison(table, expected_[t], events_, findings_);
    const bool positions = table.column("position").has_value();
    auto read = database_.copy_out(
        fmt::format("select {} from {} where {}{}{}", column_list(table), table.name, range(last),
                    order_by_key, positions ? ", position" : ""),
        [&](Bytes row) { return comparison.row(row); });
    if (!read) return read;
    comparison.finish();
    totals_.rows += comparison.rows();
  }
  return {};
}

Result<RowTotals> RowAudit::run(const Progress& progress) {
  for (const std::string_view needed :
       {"re_raw.raw_event", "re_raw.ingest_segment", "re_raw.chain_gap_fill", "re_raw.quarantine",
        "re_raw.quarantine_mended"}) {
    if (std::ranges::find(readable_, needed, &BundleTable::name) == readable_.end())
      return fail(Errc::verification, fmt::format("{}: it cannot be read", needed));
  }
  for (bool last = false; !last;) {
    if (auto read = read_events(); !read) return tl::unexpected(read.error());
    last = raw_.size() < events_per_part;
    if (!last) {
      const AuditedEvent& end = events_.back();
      upto_time_ = wire_integer(raw_.back().fields[raw_ingested_at]);
      upto_ = sql_key(*upto_time_, end.instance, static_cast<std::int64_t>(end.seq));
    }
    if (auto read = read_batches(); !read) return tl::unexpected(read.error());
    if (auto read = quarantine_.read(range(last)); !read) return tl::unexpected(read.error());
    for (ExpectedRows& rows : expected_) rows.clear();
    for (std::size_t i = 0; i < raw_.size(); ++i) judge_event(i);
    if (failed_) return tl::unexpected(*failed_);
    quarantine_.finish();
    if (auto compared = compare_tables(last); !compared) return tl::unexpected(compared.error());
    totals_.events += raw_.size();
    totals_.derivable = quarantine_.derivable();
    after_ = upto_;
    after_time_ = upto_time_;
    progress(totals_);
  }
  return totals_;
}

}  // namespace dpi
