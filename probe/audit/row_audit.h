// All events of a database, part after part in the order of their key, each against its batch, its
// envelope and its rows in every table. What is signed is taken from the stored bytes; that these
// are the signed ones is for the chain's own walk to say.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "probe/audit/quarantine.h"
#include "probe/audit/registry.h"
#include "probe/audit/scope.h"
#include "probe/audit/table_comparison.h"

namespace dpi {

struct RowTotals {
  std::uint64_t events = 0;
  std::uint64_t rows = 0;  // of all normalised tables
  std::uint64_t quarantined = 0;
  std::uint64_t derivable = 0;  // of these: make rows now that an older bundle refused
  std::set<Uuid> instances;     // that any row names
};

class RowAudit {
 public:
  using Progress = std::function<void(const RowTotals&)>;

  // Inside begin_reading(). `readable` are the tables that can be read.
  RowAudit(Postgres& database, const BundleCatalogue& bundle, const RowPlans& plans,
           const std::vector<const BundleTable*>& readable, const Registry& registry,
           Findings& findings, const Scope& scope);

  [[nodiscard]] Result<RowTotals> run(const Progress& progress);

 private:
  struct RawEvent {
    ByteBuffer row;
    std::vector<WireField> fields;  // of it
    std::optional<Envelope> envelope;
  };
  struct Batch {  // of the ledger, or a gap that was filled
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
    SqlTime ingested_at = 0;
    WireField first_prev_hash, last_hash;
    ByteBuffer row;
  };

  [[nodiscard]] std::string range(bool last) const;
  [[nodiscard]] Result<void> read_events();
  [[nodiscard]] Result<void> read_batches();
  void judge_event(std::size_t index);
  void judge_batch(const RawEvent& event, const Batch& batch);
  [[nodiscard]] const Batch* batch_of(const Uuid& instance, std::uint64_t seq) const;
  void derive(std::size_t index, const StoredAs& stored);
  [[nodiscard]] Result<void> compare_tables(bool last);
  [[nodiscard]] static std::optional<Error> failure(const Result<void>& result);

  Postgres& database_;
  const BundleTable& raw_table_;
  const std::vector<const BundleTable*>& readable_;
  const Registry& registry_;
  const RowPlans& plans_;
  Findings& findings_;
  const Scope& scope_;
  RowDeriver deriver_;
  QuarantineAudit quarantine_;
  RowTotals totals_;
  std::optional<Error> failed_;

  // Of the part at hand: the events behind `after_`, up to `upto_`.
  std::optional<std::string> after_, upto_;  // keys as SQL
  std::optional<SqlTime> after_time_, upto_time_;
  std::vector<RawEvent> raw_;
  std::vector<AuditedEvent> events_;
  std::map<Uuid, std::vector<Batch>> batches_;
  std::vector<ExpectedRows> expected_;
  ByteBuffer wanted_;
};

}  // namespace dpi
