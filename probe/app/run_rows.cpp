#include "probe/app/run_rows.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "probe/envelope/exchange_line.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/conninfo.h"
#include "probe/store/postgres.h"

namespace dpi {
namespace {

// Of an envelope in canonical JSON: its members are sorted and texts hold no quotation mark.
RunRow row_of(std::string_view envelope, std::string_view payload) {
  constexpr std::string_view member = "\"event_type\":\"";
  const std::size_t at = envelope.find(member);
  if (at == std::string_view::npos) return {envelope, {}, payload};
  const std::string_view rest = envelope.substr(at + member.size());
  return {envelope, rest.substr(0, rest.find('"')), payload};
}

Result<void> read_lines(std::istream& in, const std::string& name, const RowObserver& observe) {
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (is_checkpoint_line(line)) continue;
    const auto event = parse_event_line(line);
    if (!event) {
      return fail(Errc::input,
                  fmt::format("{}:{}: not an event; give JSON lines as `replay --out jsonl:FILE` "
                              "writes them, or a spool folder",
                              name, number));
    }
    observe(row_of(event->envelope, event->payload));
  }
  return {};
}

Result<void> read_spool(const std::string& folder, const RowObserver& observe) {
  auto reader = SpoolReader::open(folder);
  if (!reader) return tl::unexpected(reader.error());
  if (!reader->instance()) return fail(Errc::input, folder + ": holds no spool");
  for (;;) {
    const auto batch = reader->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) return {};
    for (const SpoolRecord& record : (*batch)->records)
      observe(row_of(as_text(record.envelope), as_text(record.payload)));
  }
}

// One moment of a database whose chains may be growing.
Result<void> read_database(const std::string& source, const RowObserver& observe) {
  const std::size_t hash = source.rfind('#');
  const auto instance =
      hash == std::string::npos ? std::nullopt : parse_uuid(source.substr(hash + 1));
  auto database = Postgres::connect(conninfo_of(instance ? source.substr(0, hash) : source));
  if (!database) return tl::unexpected(database.error());
  const auto opened = database->run(fmt::format(
      "begin isolation level repeatable read read only; declare rows no scroll cursor for select "
      "line from re_view.event where event_type in ('dpi.flow', 'dpi.dns', 'health.heartbeat'){} "
      "order by component_instance_id, seq",
      instance ? fmt::format(" and component_instance_id = '{}'", uuid_text(*instance)) : ""));
  if (!opened) return opened;
  for (;;) {
    const auto rows = database->query("fetch 4096 from rows");
    if (!rows) return tl::unexpected(rows.error());
    if (rows->empty()) return {};
    for (const SqlRow& row : *rows) {
      const std::string line = row[0].value_or("");  // the event's views are of it
      const auto event = parse_event_line(line);
      if (!event) return fail(Errc::sink, "database: unexpected answer");
      observe(row_of(event->envelope, event->payload));
    }
  }
}

}  // namespace

Result<void> read_rows(const std::string& source, const RowObserver& observe) {
  if (names_postgres(source)) return read_database(source, observe);
  if (source == "-") return read_lines(std::cin, "standard input", observe);
  std::error_code ignored;
  if (std::filesystem::is_directory(source, ignored)) return read_spool(source, observe);
  std::ifstream file(source, std::ios::binary);
  if (!file) {
    return fail(Errc::input, fmt::format("{}: {}; give a JSON lines file, -, a spool folder or "
                                         "postgres[:CONNINFO][#INSTANCE]",
                                         source, std::strerror(errno)));
  }
  return read_lines(file, source, observe);
}

}  // namespace dpi
