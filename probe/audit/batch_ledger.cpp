#include "probe/audit/batch_ledger.h"

#include <map>
#include <tuple>

#include "probe/envelope/checkpoint.h"

namespace dpi {
namespace {

constexpr std::int64_t batch_events_max = 10'000;

struct Gap {
  std::int64_t last = 0;
  ByteBuffer known_hash, resume_hash;
  SqlTime detected_at = 0;
  std::string writer;
  bool declared = false;  // by a batch
};
struct End {  // of the ledger of one instance so far
  std::int64_t last_seq = -1;
  ByteBuffer last_hash = ByteBuffer(32, 0);
  SqlTime ingested_at = 0;
  bool head_met = false;
};

ByteBuffer owned(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

class BatchLedger {
 public:
  explicit BatchLedger(const AuditContext& context) : context_(context) {}

  Result<void> run() {
    const std::string mine = context_.of_instance();
    if (auto r = context_.each("re_raw.chain_gap", mine, [&](const auto& x) { gap(x); }); !r)
      return r;
    if (auto r = context_.each("re_raw.chain_gap_fill", mine, [&](const auto& x) { fill(x); }); !r)
      return r;
    if (auto r = context_.each("re_raw.ingest_segment",
                               mine + " order by component_instance_id, first_seq",
                               [&](const auto& x) { segment(x); });
        !r) {
      return r;
    }
    for (const auto& [key, gap] : gaps_) {
      if (gap.declared) continue;
      context_.findings.add({key.first, std::nullopt,
                             fmt::format("re_raw.chain_gap (first_missing {})", key.second),
                             "the row was added: no batch follows such a gap"});
    }
    if (auto r = context_.each("re_raw.chain_head", mine, [&](const auto& x) { head(x); }); !r)
      return r;
    for (const auto& [instance, end] : ends_)
      if (!end.head_met) headless(instance);
    for (const auto& [instance, enrolled] : context_.registry) {
      const bool asked = !context_.scope.instance || *context_.scope.instance == instance;
      if (asked && !ends_.contains(instance)) headless(instance);
    }
    return {};
  }

 private:
  void headless(const Uuid& instance) {
    context_.findings.add({instance, std::nullopt, "re_raw.chain_head", "the row is missing"});
  }
  void gap(const StoredRow& row) {
    context_.want_enrolled(row, key_of(row, "first_missing"));
    gaps_[{row.uuid("component_instance_id"), row.integer("first_missing")}] = {
        row.integer("last_missing"),
        owned(row.bytes("known_hash")),
        owned(row.bytes("resume_prev_hash")),
        row.integer("detected_at"),
        row.text("writer"),
        false};
  }
  void fill(const StoredRow& row) {
    const std::string key = key_of(row, "first_missing");
    context_.want_enrolled(row, key);
    const auto gap = gaps_.find({row.uuid("component_instance_id"), row.integer("first_missing")});
    if (gap == gaps_.end()) return context_.say(row, key, "it fills no declared gap");
    context_.want(row, key, "last_missing", row.integer("last_missing") == gap->second.last,
                  "the gap ends elsewhere");
    context_.want(row, key, "ingested_at",
                  row.integer("ingested_at") >= gap->second.detected_at - clock_step_max,
                  "that is before the gap was found");
  }
  static std::string key_of(const StoredRow& row, std::string_view column) {
    return fmt::format("{} {}", column, row.shown(column));
  }
  void segment(const StoredRow& row) {
    const std::string key = key_of(row, "first_seq");
    const auto want = [&](std::string_view column, bool holds, std::string_view because) {
      context_.want(row, key, column, holds, because);
    };
    context_.want_enrolled(row, key);
    End& before = ends_[row.uuid("component_instance_id")];
    const std::int64_t first = row.integer("first_seq");
    const bool genesis = before.last_seq < 0;
    want("last_seq",
         row.integer("last_seq") >= first && row.integer("last_seq") - first < batch_events_max,
         "a batch has 1 to 10000 events");
    want("prev_last_seq",
         genesis ? row.is_null("prev_last_seq")
                 : row.integer("prev_last_seq") == before.last_seq && !row.is_null("prev_last_seq"),
         fmt::format("the batch before ends with {}", before.last_seq));
    want("prev_last_hash",
         genesis ? row.is_null("prev_last_hash")
                 : same_bytes(row.bytes("prev_last_hash"), before.last_hash),
         "the batch before ends with another event");
    if (row.is_null("gap_first")) {
      want("first_seq", first == before.last_seq + 1,
           fmt::format("the batch before ends with {}: a batch is missing, or was added",
                       before.last_seq));
      want("gap_last", row.is_null("gap_last"), "there is no gap");
      want("first_prev_hash", same_bytes(row.bytes("first_prev_hash"), before.last_hash),
           "the batch before ends with another event");
    } else {
      want("gap_first", row.integer("gap_first") == before.last_seq + 1,
           fmt::format("the batch before ends with {}", before.last_seq));
      want("gap_last", row.integer("gap_last") == first - 1, "the gap ends before the batch");
      behind_gap(row, key, before);
    }
    before.last_seq = row.integer("last_seq");
    before.last_hash = owned(row.bytes("last_hash"));
    before.ingested_at = row.integer("ingested_at");
  }
  void behind_gap(const StoredRow& row, const std::string& key, const End& before) {
    const auto found = gaps_.find({row.uuid("component_instance_id"), row.integer("gap_first")});
    if (found == gaps_.end())
      return context_.say(row, key, "its gap is missing from re_raw.chain_gap");
    Gap& gap = found->second;
    gap.declared = true;
    const auto say = [&](std::string_view column) {
      context_.findings.add(
          {row.uuid("component_instance_id"), std::nullopt,
           fmt::format("re_raw.chain_gap (first_missing {})", row.integer("gap_first")),
           fmt::format("{} is not that of the batch behind the gap", column)});
    };
    if (gap.last != row.integer("gap_last")) say("last_missing");
    if (!same_bytes(gap.known_hash, before.last_hash)) say("known_hash");
    if (!same_bytes(gap.resume_hash, row.bytes("first_prev_hash"))) say("resume_prev_hash");
    if (gap.detected_at != row.integer("ingested_at")) say("detected_at");
    if (gap.writer != row.text("writer")) say("writer");
  }
  void head(const StoredRow& row) {
    context_.want_enrolled(row, "");
    End& end = ends_[row.uuid("component_instance_id")];
    if (end.head_met) context_.say(row, "", "the row stands there twice");
    end.head_met = true;
    const bool empty = end.last_seq < 0;
    const auto want = [&](std::string_view column, bool holds) {
      context_.want(row, "", column, holds, "the ledger of batches ends elsewhere");
    };
    want("next_seq", row.integer("next_seq") == end.last_seq + 1);
    want("last_hash", same_bytes(row.bytes("last_hash"), end.last_hash));
    want("last_ingested_at", empty ? row.is_null("last_ingested_at")
                                   : row.integer("last_ingested_at") == end.ingested_at);
    if (empty) return want("last_emitted_at", row.is_null("last_emitted_at"));
    heads_.emplace_back(row.uuid("component_instance_id"), end, row.integer("last_emitted_at"));
  }

 public:
  // What the head says of the last event itself.
  Result<void> last_events() {
    for (const auto& [instance, end, emitted_at] : heads_) {
      const auto read = context_.each(
          "re_raw.raw_event",
          fmt::format("where ingested_at = {} and component_instance_id = '{}' and seq = {}",
                      sql_time_literal(end.ingested_at), uuid_text(instance), end.last_seq),
          [&, at = emitted_at, who = instance](const StoredRow& row) {
            if (row.integer("emitted_at") == at) return;
            context_.findings.add({who, std::nullopt, "re_raw.chain_head",
                                   fmt::format("last_emitted_at is {}, the last event says {}",
                                               sql_time_text(at), row.shown("emitted_at"))});
          });
      if (!read) return read;
    }
    return {};
  }

 private:
  const AuditContext& context_;
  std::map<std::pair<Uuid, std::int64_t>, Gap> gaps_;
  std::map<Uuid, End> ends_;
  std::vector<std::tuple<Uuid, End, SqlTime>> heads_;
};

}  // namespace

Result<void> audit_batch_ledger(const AuditContext& context) {
  BatchLedger ledger(context);
  if (auto run = ledger.run(); !run) return run;
  return ledger.last_events();
}

Result<void> audit_checkpoints(const AuditContext& context) {
  // Where a checkpoint stands in the ledger is the one join: both sides are too long to be kept.
  std::vector<WireField> fields;
  constexpr std::size_t unplaced_max = 1'000;
  std::map<std::pair<Uuid, std::int64_t>, bool> unplaced;
  const std::string part =
      context.scope.instance
          ? fmt::format(" and c.component_instance_id = '{}'", uuid_text(*context.scope.instance))
          : std::string{};
  if (auto read = context.database.copy_out(
          "select c.component_instance_id, c.tree_size, s.last_seq is not null from "
          "re_raw.checkpoint c left join re_raw.ingest_segment s on s.component_instance_id = "
          "c.component_instance_id and s.last_seq = c.tree_size - 1 and s.last_hash = c.last_hash "
          "where (s.last_seq is null or s.ingested_at > c.ingested_at + interval '1 hour')" +
              part,
          [&](Bytes row) -> Result<void> {
            if (split_row(row, fields) && fields.size() == 3 && unplaced.size() < unplaced_max) {
              unplaced[{wire_uuid(fields[0]).value_or(Uuid{}),
                        wire_integer(fields[1]).value_or(0)}] = wire_integer(fields[2]) == 1;
            }
            return {};
          });
      !read) {
    return read;
  }
  return context.each("re_raw.checkpoint", context.of_instance(), [&](const StoredRow& row) {
    const std::string key = "tree_size " + row.shown("tree_size");
    const auto want = [&](std::string_view column, bool holds, std::string_view because) {
      context.want(row, key, column, holds, because);
    };
    context.want_enrolled(row, key);
    const Uuid instance = row.uuid("component_instance_id");
    const auto enrolled = context.registry.find(instance);
    if (enrolled != context.registry.end())
      want("component", row.text("component") == enrolled->second.component,
           "the instance is another component");
    want("last_seq", row.integer("last_seq") == row.integer("tree_size") - 1,
         "it is the event before tree_size");
    const auto note = parse_checkpoint(row.text("note"));
    want("note", note && note->origin.ends_with("/" + uuid_text(instance)),
         "it is no signed note of this instance");
    if (note) {
      want("tree_size", static_cast<std::uint64_t>(row.integer("tree_size")) == note->tree_size,
           "the signed note is over another size");
      want("root", same_bytes(row.bytes("root"), note->root), "the signed note has another root");
    }
    const auto place = unplaced.find({instance, row.integer("tree_size")});
    if (place == unplaced.end()) return;
    if (place->second) {
      want("ingested_at", false, "that is before its batch");
    } else {
      want("last_hash", false, "no batch of the ledger ends with such an event");
    }
  });
}

}  // namespace dpi
