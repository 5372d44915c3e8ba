#include "probe/app/database_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "probe/audit/beside_chain.h"

namespace dpi {
namespace {

// Bounds the notes that are held at a time.
constexpr std::uint64_t run_events_max = 1U << 18U;

// Consecutive events that come from one place.
struct Run {
  enum class From : std::uint8_t { batches, filling, retired, gap };
  From from = From::batches;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  SqlTime ingested_at = 0;  // of a filling
  ByteBuffer last_hash;     // of the ledger
};

tl::unexpected<Error> broken(std::string what) {
  return fail(Errc::verification, std::move(what));
}

class DatabaseChain {
 public:
  DatabaseChain(const AuditContext& context, const Uuid& instance,
                std::span<const RetiredDay> retired, ChainVerifier& verifier,
                const NoteObserver& observe)
      : context_(context),
        mine_(fmt::format("where component_instance_id = '{}'", uuid_text(instance))),
        instance_(instance),
        retired_(retired),
        verifier_(verifier),
        observe_(observe),
        beside_(context, instance) {}

  Result<ChainReport> run() {
    if (auto read = read_runs(); !read) return tl::unexpected(read.error());
    if (auto read = beside_.read(verifier_); !read) return tl::unexpected(read.error());
    for (const Run& run : runs_) {
      if (run.first != verifier_.next_seq()) {
        return broken(fmt::format("the ledger of batches goes on with sequence {} behind {}",
                                  run.first, verifier_.next_seq()));
      }
      const bool here = run.from == Run::From::batches || run.from == Run::From::filling;
      if (auto walked = here ? walk(run) : skip(run); !walked)
        return tl::unexpected(walked.error());
    }
    if (auto rest = notes(verifier_.next_seq(), UINT64_MAX); !rest) {
      return tl::unexpected(rest.error());
    } else if (!notes_.empty()) {
      return broken(fmt::format("a checkpoint covers {} events, only {} are there",
                                notes_.front().first, verifier_.next_seq()));
    }
    beside_.finish(verifier_);
    for (const Digest& key : beside_.compromised()) {
      fmt::print(
          "{}: key {} was compromised: what it signed before it was revoked counts only as far as "
          "a "
          "checkpoint kept elsewhere goes (--against)\n",
          uuid_text(instance_), hex(key));
    }
    return verifier_.finish();
  }

 private:
  [[nodiscard]] bool is_retired(SqlTime at) const {
    return std::ranges::any_of(
        retired_, [at](const RetiredDay& day) { return at >= day.from && at < day.until; });
  }
  void add_run(Run run) {
    if (!runs_.empty()) {
      Run& before = runs_.back();
      if (before.from == run.from && run.from != Run::From::filling && run.from != Run::From::gap &&
          before.last + 1 == run.first && run.last - before.first < run_events_max) {
        before.last = run.last;
        before.last_hash = std::move(run.last_hash);
        return;
      }
    }
    runs_.push_back(std::move(run));
  }

  Result<void> read_runs() {
    std::map<std::uint64_t, Run> fillings;
    if (auto read = context_.each(
            "re_raw.chain_gap_fill", mine_,
            [&](const StoredRow& row) {
              const auto first = static_cast<std::uint64_t>(row.integer("first_missing"));
              fillings[first] = {Run::From::filling,
                                 first,
                                 static_cast<std::uint64_t>(row.integer("last_missing")),
                                 row.integer("ingested_at"),
                                 {}};
              beside_.filled(first, fillings[first].last);
            });
        !read) {
      return read;
    }
    return context_.each(
        "re_raw.ingest_segment", mine_ + " order by first_seq", [&](const StoredRow& row) {
          const Bytes first_prev = row.bytes("first_prev_hash");
          if (!row.is_null("gap_first")) {
            Run gap{Run::From::gap,
                    static_cast<std::uint64_t>(row.integer("gap_first")),
                    static_cast<std::uint64_t>(row.integer("gap_last")),
                    0,
                    {first_prev.begin(), first_prev.end()}};
            if (const auto filled = fillings.find(gap.first); filled != fillings.end()) {
              gap.from =
                  is_retired(filled->second.ingested_at) ? Run::From::retired : Run::From::filling;
              gap.ingested_at = filled->second.ingested_at;
            }
            add_run(std::move(gap));
          }
          const Bytes last = row.bytes("last_hash");
          add_run({is_retired(row.integer("ingested_at")) ? Run::From::retired : Run::From::batches,
                   static_cast<std::uint64_t>(row.integer("first_seq")),
                   static_cast<std::uint64_t>(row.integer("last_seq")),
                   0,
                   {last.begin(), last.end()}});
        });
  }

  // Those over more than `behind` events, up to `upto`, in order.
  Result<void> notes(std::uint64_t behind, std::uint64_t upto) {
    notes_.clear();
    constexpr std::uint64_t largest = INT64_MAX;
    return context_.each(
        "re_raw.checkpoint",
        fmt::format("{} and tree_size > {} and tree_size <= {} order by tree_size limit {}", mine_,
                    behind, std::min(upto, largest), run_events_max),
        [&](const StoredRow& row) {
          notes_.emplace_back(static_cast<std::uint64_t>(row.integer("tree_size")),
                              row.text("note"));
        });
  }

  Result<void> walk(const Run& run) {
    if (auto read = notes(run.first, run.last + 1); !read) return read;
    if (auto read = beside_.read_subtrees(run.first, run.last); !read) return read;
    auto note = notes_.begin();
    std::vector<WireField> fields;
    Result<void> outcome;
    const std::string source =
        run.from == Run::From::filling
            ? fmt::format(
                  "(select {} as ingested_at, {}::bigint as first_seq, {}::bigint as "
                  "last_seq) s",
                  sql_time_literal(run.ingested_at), run.first, run.last)
            : fmt::format(
                  "(select ingested_at, first_seq, last_seq from re_raw.ingest_segment {} "
                  "and first_seq between {} and {} order by first_seq) s",
                  mine_, run.first, run.last);
    auto read = context_.database.copy_out(
        fmt::format(
            "select r.ingested_at, r.envelope, r.payload from {} join re_raw.raw_event r on "
            "r.ingested_at = s.ingested_at and r.component_instance_id = '{}' and r.seq "
            "between s.first_seq and s.last_seq order by s.first_seq, r.seq",
            source, uuid_text(instance_)),
        [&](Bytes row) -> Result<void> {
          if (!split_row(row, fields) || fields.size() != 3 || !fields[1] || !fields[2])
            return fail(Errc::sink, "database: re_raw.raw_event: unexpected answer");
          if (auto added = verifier_.add_event(as_text(*fields[1]), as_text(*fields[2])); !added)
            return added;
          const std::uint64_t size = verifier_.next_seq();
          beside_.event(*verifier_.last(), verifier_.last_hash(),
                        wire_integer(fields[0]).value_or(0));
          if (auto tree = beside_.tree(size)) verifier_.continue_tree(*tree);
          if (note == notes_.end() || note->first != size) return {};
          if (auto added = verifier_.add_checkpoint(note->second); !added) return added;
          return observe_((note++)->second);
        });
    if (!read) return read;
    if (verifier_.next_seq() != run.last + 1) {
      return broken(fmt::format("sequence {} to {} are missing: the ledger of batches has them",
                                verifier_.next_seq(), run.last));
    }
    return {};
  }

  Result<void> skip(const Run& run) {
    Digest last_hash{};
    if (run.last_hash.size() != last_hash.size())
      return broken(fmt::format("sequence {}: the ledger of batches has no hash", run.last));
    std::ranges::copy(run.last_hash, last_hash.begin());
    if (auto skipped = verifier_.skip_to(run.last + 1, last_hash); !skipped) return skipped;
    beside_.skipped(run.last + 1);
    if (run.from == Run::From::gap) {
      fmt::print(
          "{}: sequence {} to {} were declared lost; what is before and behind is bound by "
          "its links, no checkpoint behind can be proven from the events\n",
          uuid_text(instance_), run.first, run.last);
    }
    if (run.from != Run::From::retired) return {};
    if (auto read = beside_.read_tree(run.last + 1); !read) return read;
    if (auto tree = beside_.tree(run.last + 1)) verifier_.continue_tree(*tree);
    return {};
  }

  const AuditContext& context_;
  std::string mine_;
  Uuid instance_;
  std::span<const RetiredDay> retired_;
  ChainVerifier& verifier_;
  const NoteObserver& observe_;
  BesideChain beside_;
  std::vector<Run> runs_;
  std::vector<std::pair<std::uint64_t, std::string>> notes_;  // by tree size
};

}  // namespace

Result<std::set<Uuid>> instances_in_database(Postgres& database) {
  // A walk over the first column of each key: one look-up for each instance.
  std::string sql;
  for (const char* const table :
       {"re_core.component_instance", "re_raw.chain_head", "re_raw.ingest_segment",
        "re_raw.checkpoint", "re_raw.chain_gap", "re_raw.subtree", "re_core.signing_key",
        "re_core.component_instance_status", "re_core.component_identity_history"}) {
    sql += fmt::format(
        "{}(with recursive w(i) as ((select component_instance_id from {} order by 1 limit 1) "
        "union "
        "all select (select t.component_instance_id from {} t where t.component_instance_id > w.i "
        "order by 1 limit 1) from w where w.i is not null) select i from w where i is not null)",
        sql.empty() ? "" : " union ", table, table);
  }
  const auto rows = database.query(sql);
  if (!rows) return tl::unexpected(rows.error());
  std::set<Uuid> out;
  for (const SqlRow& row : *rows)
    if (const auto instance = parse_uuid(row[0].value_or(""))) out.insert(*instance);
  return out;
}

Result<ChainReport> verify_database(const AuditContext& context, const Uuid& instance,
                                    std::span<const RetiredDay> retired, ChainVerifier& verifier,
                                    const NoteObserver& observe) {
  // The ledger first, then each of its events by its key: whatever the server's statistics say.
  if (auto set = context.database.run("set local enable_hashjoin = off; set local enable_mergejoin "
                                      "= off; set local enable_seqscan = off; set local jit = off");
      !set) {
    return tl::unexpected(set.error());
  }
  return DatabaseChain(context, instance, retired, verifier, observe).run();
}

}  // namespace dpi
