#include "probe/audit/retention_audit.h"

#include <map>
#include <set>

#include "probe/crypto/digest.h"

namespace dpi {
namespace {

// extract(epoch from …) of a timestamptz, as numeric.
std::string epoch_text(SqlTime time) {
  const SqlTime us = time + sql_epoch_s * 1'000'000;
  const char* const sign = us < 0 ? "-" : "";
  const SqlTime size = us < 0 ? -us : us;
  return fmt::format("{}{}.{:06}", sign, size / 1'000'000, size % 1'000'000);
}

Digest entry_digest(const StoredRow& row) {
  const std::string text = fmt::format(
      "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", row.integer("ledger_no"), row.text("actor"),
      row.text("action"), row.text("schema_name"), row.text("table_name"),
      row.text("partition_name"), epoch_text(row.integer("at")),
      epoch_text(row.integer("range_from")), epoch_text(row.integer("range_to")),
      row.is_null("row_count") ? -1 : row.integer("row_count"),
      row.is_null("content_sha256") ? "-" : hex(row.bytes("content_sha256")), row.text("note"));
  return sha256({row.bytes("prev_entry_hash"), as_bytes(text)});
}

struct Partition {
  std::string last_action;
  bool sealed = false;
  bool is_raw = false;
  SqlTime from = 0;
  SqlTime until = 0;
  std::optional<ByteBuffer> content;  // at the sealing
};

// What may follow what.
bool follows(const std::string& before, const std::string& action) {
  if (action == "created") return before.empty() || before == "dropped";
  if (action == "sealed") return before == "created";
  if (action == "archived") return before == "sealed" || before == "archived";
  if (action == "detached") return before == "sealed" || before == "archived";
  return action == "dropped" &&
         (before == "detached" || before == "sealed" || before == "archived");
}

class RetentionAudit {
 public:
  explicit RetentionAudit(const AuditContext& context) : context_(context) {}

  Result<std::vector<RetiredDay>> run() {
    before_ = sha256({});
    for (auto read : {context_.each("re_ops.retention_ledger", "order by ledger_no",
                                    [this](const StoredRow& row) { entry(row); }),
                      compare_partitions(), compare_contents(), holds()}) {
      if (!read) return tl::unexpected(read.error());
    }
    std::vector<RetiredDay> out;
    for (const auto& [name, partition] : partitions_) {
      if (partition.is_raw && partition.last_action == "dropped")
        out.push_back({partition.from, partition.until});
    }
    return out;
  }

 private:
  void entry(const StoredRow& row) {
    const std::string key = "ledger_no " + row.shown("ledger_no");
    context_.want(row, key, "ledger_no", row.integer("ledger_no") == last_no_ + 1,
                  fmt::format("it follows {}: an entry is missing, or was added", last_no_));
    context_.want(row, key, "prev_entry_hash", same_bytes(row.bytes("prev_entry_hash"), before_),
                  "the entry before has another: one was edited, removed or added");
    const Digest digest = entry_digest(row);
    context_.want(row, key, "entry_hash", same_bytes(row.bytes("entry_hash"), digest),
                  "that is not the digest of the entry: it was edited");
    last_no_ = row.integer("ledger_no");
    const Bytes hash = row.bytes("entry_hash");
    before_ = {};
    std::copy_n(hash.begin(), std::min(hash.size(), before_.size()), before_.begin());

    Partition& of = partitions_[row.text("schema_name") + "." + row.text("partition_name")];
    const std::string action = row.text("action");
    context_.want(row, key, "action", follows(of.last_action, action),
                  of.last_action.empty() ? "the partition was never created"
                                         : "the act before was " + harmless(of.last_action));
    of.last_action = action;
    if (action == "created") of.sealed = false;
    if (action == "sealed") {
      of.sealed = true;
      if (!row.is_null("content_sha256")) {
        const Bytes content = row.bytes("content_sha256");
        of.content = ByteBuffer(content.begin(), content.end());
      }
    }
    of.is_raw = row.text("schema_name") == "re_raw" && row.text("table_name") == "raw_event";
    of.from = row.integer("range_from");
    of.until = row.integer("range_to");
  }

  // Rows (partition, attached, sealed).
  Result<void> compare_partitions() {
    const auto rows = context_.database.query(R"sql(
select n.nspname || '.' || c.relname, c.relispartition::text,
       (exists (select from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.conname = 'partition_is_sealed'))::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('re_raw', 're_agent', 're_dpi', 're_ai') and c.relkind in ('r', 'f', 'p', 'v', 'm')
  and (c.relispartition or c.relname ~ '_p[0-9]{6,8}$')
)sql");
    if (!rows) return tl::unexpected(rows.error());
    std::set<std::string> there;
    for (const SqlRow& row : *rows) {
      const std::string name = row[0].value_or("");
      there.insert(name);
      const auto known = partitions_.find(name);
      const auto say = [&](std::string what) {
        context_.findings.add({std::nullopt, std::nullopt, harmless(name), std::move(what)});
      };
      if (known == partitions_.end() || known->second.last_action == "dropped") {
        say("the retention ledger does not say that this partition was created");
        continue;
      }
      if (row[1] != "true") say("the partition is detached, and no entry of the ledger says so");
      if ((row[2] == "true") != known->second.sealed) {
        say(known->second.sealed ? "the ledger says that it is sealed, but it takes rows"
                                 : "it is sealed, and no entry of the ledger says so");
      }
    }
    for (const auto& [name, partition] : partitions_) {
      if (partition.last_action == "dropped" || there.contains(name)) continue;
      context_.findings.add({std::nullopt, std::nullopt, harmless(name),
                             "the partition is gone, and no entry of the ledger says so"});
    }
    return {};
  }

  // What a sealing keeps of a day of raw events: the ends of its batches.
  Result<void> compare_contents() {
    std::map<SqlTime, std::pair<std::string, Partition*>> days;
    std::map<SqlTime, Sha256> hashers;
    for (auto& [name, partition] : partitions_) {
      if (!partition.content) continue;
      days[partition.from] = {name, &partition};
      hashers.try_emplace(partition.from);
    }
    if (days.empty()) return {};
    if (auto read =
            context_.each("re_raw.ingest_segment", "order by component_instance_id, first_seq",
                          [&](const StoredRow& row) {
                            auto day = days.upper_bound(row.integer("ingested_at"));
                            if (day == days.begin()) return;
                            --day;
                            if (row.integer("ingested_at") < day->second.second->until)
                              hashers.at(day->first).update(row.bytes("last_hash"));
                          });
        !read) {
      return read;
    }
    for (auto& [from, day] : days) {
      if (same_bytes(hashers.at(from).finish(), *day.second->content)) continue;
      context_.findings.add({std::nullopt, std::nullopt, harmless(day.first),
                             "content_sha256 of its sealing is not that of the batches of the day: "
                             "re_raw.ingest_segment was changed since"});
    }
    return {};
  }

  Result<void> holds() {
    std::set<Uuid> placed;
    if (auto read =
            context_.each("re_ops.legal_hold", "",
                          [&](const StoredRow& row) { placed.insert(row.uuid("hold_id")); });
        !read) {
      return read;
    }
    return context_.each("re_ops.legal_hold_release", "", [&](const StoredRow& row) {
      context_.want(row, "", "hold_id", placed.contains(row.uuid("hold_id")),
                    "there is no such hold");
    });
  }

  const AuditContext& context_;
  std::int64_t last_no_ = 0;
  Digest before_{};
  std::map<std::string, Partition> partitions_;
};

}  // namespace

Result<std::vector<RetiredDay>> audit_retention(const AuditContext& context) {
  return RetentionAudit(context).run();
}

}  // namespace dpi
