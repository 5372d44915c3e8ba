#include "probe/app/chain_source.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <utility>

#include "probe/envelope/exchange_line.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/postgres.h"
#include "probe/store/spool_state.h"

namespace dpi {
namespace {

tl::unexpected<Error> broken(std::string what) {
  return fail(Errc::verification, std::move(what));
}

Result<void> add_note(ChainVerifier& verifier, std::string_view note, const NoteObserver& observe) {
  if (auto added = verifier.add_checkpoint(note); !added) return added;
  return observe(note);
}

Result<void> add_line(ChainVerifier& verifier, std::string_view line, const NoteObserver& observe) {
  if (is_checkpoint_line(line)) {
    const auto note = parse_checkpoint_line(line);
    if (!note) return broken("the checkpoint line is not base64");
    return add_note(verifier, *note, observe);
  }
  const auto event = parse_event_line(line);
  if (!event)
    return broken("the line is neither {\"envelope\":…,\"payload\":…} nor {\"checkpoint\":…}");
  return verifier.add_event(event->envelope, event->payload);
}

Result<ChainReport> verify_lines(std::istream& in, const std::string& name, ChainVerifier& verifier,
                                 const NoteObserver& observe) {
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (in.eof())
      return broken(
          fmt::format("{}:{}: the last line has no newline: the file was cut off", name, number));
    if (auto added = add_line(verifier, line, observe); !added) {
      return fail(added.error().code, fmt::format("{}:{}: {}", name, number, added.error().what));
    }
  }
  return verifier.finish();
}

// Bytes of a bytea that was selected as hex.
Result<std::string> from_hex(const std::optional<std::string>& text) {
  const auto bytes = parse_hex(text.value_or("-"));
  if (!bytes) return fail(Errc::sink, "database: unexpected answer");
  return std::string{as_text(*bytes)};
}

struct DatabaseChain {
  Postgres connection;
  Uuid instance{};
  std::uint64_t next_seq = 0;

  // Notes by tree size, in order.
  Result<std::vector<std::pair<std::uint64_t, std::string>>> notes() {
    const std::array arguments{SqlValue::uuid(instance)};
    const auto rows = connection.query(
        "select tree_size, note from re_raw.checkpoint where component_instance_id = $1 order by "
        "tree_size",
        arguments);
    if (!rows) return tl::unexpected(rows.error());
    std::vector<std::pair<std::uint64_t, std::string>> out;
    for (const SqlRow& row : *rows)
      out.emplace_back(std::stoull(row[0].value_or("0")), row[1].value_or(""));
    return out;
  }

  // In the order in which batches came, which the primary key gives without sorting. That is the
  // order of the chain but for gaps that were filled later.
  Result<void> open() {
    auto opened = connection.query(fmt::format(
        "declare chain no scroll cursor for select seq, encode(envelope, 'hex'), encode(payload, "
        "'hex') from re_raw.raw_event where component_instance_id = '{}' order by ingested_at, seq",
        uuid_text(instance)));
    if (!opened) return tl::unexpected(opened.error());
    return {};
  }
  Result<SqlRows> next() { return connection.query("fetch 4096 from chain"); }

  // The events before that one: they came later than it.
  Result<SqlRows> filled_until(std::uint64_t seq) {
    const std::array arguments{SqlValue::uuid(instance),
                               SqlValue::int8(static_cast<std::int64_t>(next_seq)),
                               SqlValue::int8(static_cast<std::int64_t>(seq))};
    return connection.query(
        "select seq, encode(envelope, 'hex'), encode(payload, 'hex') from re_raw.raw_event "
        "where component_instance_id = $1 and seq >= $2 and seq < $3 order by seq",
        arguments);
  }
};

}  // namespace

Result<ChainReport> verify_jsonl(const std::string& path, ChainVerifier& verifier,
                                 const NoteObserver& observe) {
  if (path == "-") return verify_lines(std::cin, "standard input", verifier, observe);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::input,
                fmt::format("{}: {}; give a JSON lines file, a spool folder or postgres[:CONNINFO]",
                            path, std::strerror(errno)));
  }
  return verify_lines(file, path, verifier, observe);
}

Result<ChainReport> verify_spool(const std::string& folder, ChainVerifier& verifier,
                                 const NoteObserver& observe) {
  auto reader = SpoolReader::open(folder);
  if (!reader) return tl::unexpected(reader.error());
  bool begun = false;
  for (;;) {
    const auto batch = reader->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    if (!std::exchange(begun, true) && (*batch)->first_seq > 0) {
      // Segments that the database has are removed in time: what the first commit that is left
      // keeps of the chain stands for what was before.
      const auto state = decode_spool_state((*batch)->state);
      if (!state) return broken(fmt::format("{}: its first commit is unreadable", folder));
      if (auto resumed = verifier.resume(state->head.last_hash, state->head.tree, state->note);
          !resumed)
        return tl::unexpected(resumed.error());
      continue;
    }
    for (const SpoolRecord& record : (*batch)->records) {
      if (auto added = verifier.add_event(as_text(record.envelope), as_text(record.payload));
          !added) {
        return tl::unexpected(added.error());
      }
    }
    const auto state = decode_spool_state((*batch)->state);
    if (!state)
      return broken(
          fmt::format("{}: the commit behind event {} is unreadable", folder, (*batch)->next_seq));
    if (auto added = add_note(verifier, state->note, observe); !added)
      return tl::unexpected(added.error());
  }
  return verifier.finish();
}

Result<std::vector<Uuid>> instances_in_database(const std::string& conninfo) {
  auto connection = Postgres::connect(conninfo);
  if (!connection) return tl::unexpected(connection.error());
  const auto rows = connection->query(
      "select component_instance_id from re_raw.chain_head where next_seq > 0 order by "
      "component_instance_id");
  if (!rows) return tl::unexpected(rows.error());
  std::vector<Uuid> out;
  for (const SqlRow& row : *rows) {
    if (const auto instance = parse_uuid(row[0].value_or(""))) out.push_back(*instance);
  }
  return out;
}

Result<ChainReport> verify_database(const std::string& conninfo, const Uuid& instance,
                                    ChainVerifier& verifier, const NoteObserver& observe) {
  auto connection = Postgres::connect(conninfo);
  if (!connection) return tl::unexpected(connection.error());
  // One moment of a chain that may be growing: events and the checkpoints that cover them.
  if (auto begun = connection->query("begin isolation level repeatable read read only"); !begun)
    return tl::unexpected(begun.error());
  DatabaseChain chain{std::move(*connection), instance};
  const auto notes = chain.notes();
  if (!notes) return tl::unexpected(notes.error());
  auto note = notes->begin();
  const auto add = [&](const SqlRow& row) -> Result<void> {
    const auto envelope = from_hex(row[1]);
    const auto payload = from_hex(row[2]);
    if (!envelope || !payload) return fail(Errc::sink, "database: unexpected answer");
    if (auto added = verifier.add_event(*envelope, *payload); !added) return added;
    ++chain.next_seq;
    if (note == notes->end() || note->first != chain.next_seq) return {};
    return add_note(verifier, (note++)->second, observe);
  };
  if (auto opened = chain.open(); !opened) return tl::unexpected(opened.error());
  std::set<std::uint64_t> fillings;  // of gaps: read before their turn
  for (;;) {
    const auto rows = chain.next();
    if (!rows) return tl::unexpected(rows.error());
    if (rows->empty()) break;
    for (const SqlRow& row : *rows) {
      const std::uint64_t seq = std::stoull(row[0].value_or("0"));
      if (seq < chain.next_seq) {
        if (fillings.erase(seq) == 1) continue;
        return broken(fmt::format("sequence {} stands there twice", seq));
      }
      if (seq > chain.next_seq) {
        const auto filled = chain.filled_until(seq);
        if (!filled) return tl::unexpected(filled.error());
        for (const SqlRow& earlier : *filled) {
          fillings.insert(std::stoull(earlier[0].value_or("0")));
          if (auto added = add(earlier); !added) return tl::unexpected(added.error());
        }
      }
      if (auto added = add(row); !added) return tl::unexpected(added.error());
    }
  }
  if (note != notes->end()) {
    return broken(fmt::format("a checkpoint covers {} events, only {} are there", note->first,
                              chain.next_seq));
  }
  return verifier.finish();
}

}  // namespace dpi
