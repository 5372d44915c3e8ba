#include "probe/store/event_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace dpi {
namespace {

std::optional<std::uint64_t> number(const std::optional<std::string>& text) {
  std::uint64_t out = 0;
  if (!text) return std::nullopt;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), out);
  return parsed.ec == std::errc{} ? std::optional{out} : std::nullopt;
}

std::optional<ChainPosition> position(const std::optional<std::string>& seq,
                                      const std::optional<std::string>& hash) {
  if (!seq || !hash) return std::nullopt;
  const auto next_seq = number(seq);
  const auto digest = parse_digest(*hash);
  if (!next_seq || !digest) return std::nullopt;
  return ChainPosition{*next_seq, *digest};
}

IngestFate fate_of(std::string_view status) {
  if (status == "stored" || status == "stored_with_gap") return IngestFate::stored;
  if (status == "duplicate" || status == "duplicate_archived" || status == "empty")
    return IngestFate::known;
  if (status == "gap") return IngestFate::ahead;
  return status == "no_partition" ? IngestFate::retry : IngestFate::refused;
}

}  // namespace

bool passes_with_time(std::string_view sqlstate) noexcept {
  // 08 connection, 25006 read only (a standby), 40 rollback, 53 resources, 55 object in use or
  // locked, 57 shut down or cancelled, 58 system, XX the server's own faults.
  constexpr std::array passing{"08", "25006", "40", "53", "55", "57", "58", "XX"};
  return std::any_of(passing.begin(), passing.end(),
                     [&](std::string_view code) { return sqlstate.starts_with(code); });
}

Result<void> EventDatabase::prepare_session() {
  // A wait for a lock gives up long before we do, and says so. What asks for more durability than
  // `on` stays.
  auto set = connection_.run(
      "set lock_timeout = '2s'; set statement_timeout = '55s'; select "
      "set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') "
      "<> 'remote_apply'");
  if (!set) return set;
  // A statement whose asker has gone ends (servers on Linux); elsewhere statement_timeout does it.
  [[maybe_unused]] const auto optional =
      connection_.run("set client_connection_check_interval = '1s'");
  if (connection_.alive()) return {};
  return optional;
}

Result<void> EventDatabase::require_contract() {
  // A database without that function holds an older bundle, or none.
  const auto rows = connection_.query(
      "select oldest, newest, $1 between oldest and newest from re_core.writer_contract()",
      std::array{SqlValue::int8(writer_contract)});
  if (!rows) {
    return fail(
        Errc::sink,
        fmt::format("{}; this database does not hold the schema, or one that is older than this "
                    "probe, or this login may not use it: run `ransomeye-dpi schema apply` as its "
                    "superuser and grant re_probe",
                    rows.error().what));
  }
  const SqlRow& range = rows->at(0);
  if (range.at(2) == "t") return {};
  return fail(Errc::sink,
              fmt::format("the database serves writer contracts {} to {}, this probe speaks {}: "
                          "migrate the database with `ransomeye-dpi schema apply`, or use a probe "
                          "of its time",
                          range.at(0).value_or(""), range.at(1).value_or(""), writer_contract));
}

Result<std::string> EventDatabase::enrol_replay(const Uuid& instance, const Uuid& machine,
                                                Bytes spki) {
  const std::array arguments{SqlValue::uuid(instance), SqlValue::uuid(machine),
                             SqlValue::bytes(spki)};
  auto rows = connection_.query("select status from re_core.enrol_replay($1, $2, $3)", arguments);
  if (!rows && rows.error().what.find("not a replay of this login") != std::string::npos) {
    return fail(Errc::usage,
                fmt::format("another login has replayed the same: its events stand in this "
                            "database as instance {}; to store them as this login's too, sign "
                            "with a key of your own (`keys generate FILE`, `replay --key FILE`)",
                            uuid_text(instance)));
  }
  if (!rows) return tl::unexpected(rows.error());
  return rows->at(0).at(0).value_or("");
}

Result<std::optional<ChainPosition>> EventDatabase::resume(const Uuid& instance) {
  const std::array arguments{SqlValue::uuid(instance)};
  const auto rows = connection_.query(
      "select next_seq, encode(last_hash, 'hex') from re_raw.chain_resume($1)", arguments);
  if (!rows) return tl::unexpected(rows.error());
  return position(rows->at(0).at(0), rows->at(0).at(1));
}

Result<IngestAnswer> EventDatabase::ingest(const Uuid& instance, const SpoolBatch& batch,
                                           const std::optional<std::string>& note,
                                           bool accept_gap) {
  std::vector<Bytes> envelopes;
  std::vector<Bytes> payloads;
  for (const SpoolRecord& record : batch.records) {
    envelopes.push_back(record.envelope);
    payloads.push_back(record.payload);
  }
  const std::array arguments{SqlValue::uuid(instance),
                             SqlValue::int8(static_cast<std::int64_t>(batch.first_seq)),
                             SqlValue::bytes_array(envelopes),
                             SqlValue::bytes_array(payloads),
                             note ? SqlValue::text(*note) : SqlValue::null(),
                             SqlValue::boolean(accept_gap)};
  const auto rows = connection_.query(
      "select status, next_seq, encode(last_hash, 'hex'), detail from re_raw.ingest($1, $2, $3, "
      "$4, $5, $6)",
      arguments);
  if (!rows) return tl::unexpected(rows.error());
  const SqlRow& row = rows->at(0);
  IngestAnswer answer;
  answer.status = row[0].value_or("");
  answer.fate = fate_of(answer.status);
  answer.head = position(row[1], row[2]).value_or(ChainPosition{});
  answer.detail = row[3].value_or("");
  return answer;
}

Result<void> EventDatabase::tell(const Uuid& instance, const ChainPosition& head,
                                 std::string_view statement) {
  const Bytes envelope = as_bytes(statement);
  const Bytes payload = as_bytes(std::string_view{"{}"});
  const std::array arguments{
      SqlValue::uuid(instance), SqlValue::int8(static_cast<std::int64_t>(head.next_seq)),
      SqlValue::bytes_array({&envelope, 1}), SqlValue::bytes_array({&payload, 1})};
  const auto rows =
      connection_.query("select status from re_raw.ingest($1, $2, $3, $4, null::text)", arguments);
  if (!rows) return tl::unexpected(rows.error());
  return {};
}

Result<std::vector<ChainGap>> EventDatabase::gaps(const Uuid& instance) {
  const std::array arguments{SqlValue::uuid(instance)};
  const auto rows = connection_.query(
      "select seq, (regexp_match(detail, '^seq [0-9]+ to ([0-9]+) '))[1] from "
      "re_raw.verify_chain($1) where rule = 'declared_gap' order by seq",
      arguments);
  if (!rows) return tl::unexpected(rows.error());
  std::vector<ChainGap> out;
  for (const SqlRow& row : *rows) {
    const auto first = number(row[0]);
    const auto last = number(row[1]);
    if (first && last) out.push_back({*first, *last});
  }
  return out;
}

Result<void> EventDatabase::fill_gap(const Uuid& instance, std::uint64_t first_missing,
                                     std::span<const Bytes> envelopes,
                                     std::span<const Bytes> payloads) {
  const std::array arguments{SqlValue::uuid(instance),
                             SqlValue::int8(static_cast<std::int64_t>(first_missing)),
                             SqlValue::bytes_array(envelopes), SqlValue::bytes_array(payloads)};
  const auto rows =
      connection_.query("select status, detail from re_raw.fill_gap($1, $2, $3, $4)", arguments);
  if (!rows) return tl::unexpected(rows.error());
  const SqlRow& row = rows->at(0);
  if (row[0] == "stored" || row[0] == "duplicate") return {};
  return fail(Errc::sink, fmt::format("the gap at {} was not filled: {}: {}", first_missing,
                                      row[0].value_or(""), row[1].value_or("")));
}

}  // namespace dpi
