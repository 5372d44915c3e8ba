// re_raw.quarantine: events that are stored and make no rows, because their type is not known or
// their payload breaks a rule. A row there that no rule explains hides an event's rows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "probe/audit/row_rules.h"
#include "probe/audit/scope.h"
#include "probe/audit/table_comparison.h"
#include "probe/store/postgres.h"

namespace dpi {

class QuarantineAudit {
 public:
  QuarantineAudit(Postgres& database, const RowPlans& plans, Findings& findings)
      : database_(database), plans_(plans), rules_(plans), findings_(findings) {}

  // The rows of a part, by a condition on the event's key.
  [[nodiscard]] Result<void> read(const std::string& condition);
  // Whether an event has no rows for that reason.
  [[nodiscard]] bool holds(const EventKey& key) const;
  // The row itself against its event, and `refused`, why this bundle makes no rows of it (nothing:
  // the event's columns do not say so; its tables' CHECKs then must, and `rows` are asked).
  [[nodiscard]] Result<void> judge(const AuditedEvent& event, const Envelope& envelope,
                                   const StoredAs& stored,
                                   const std::optional<std::string>& refused,
                                   const std::vector<ExpectedRows>& rows);
  // Rows of the part that no event of it has.
  void finish();
  // Events that an older bundle refused and this one would not.
  [[nodiscard]] std::uint64_t derivable() const noexcept { return derivable_; }

 private:
  struct Entry {
    ByteBuffer row;
    bool mended = false;
    bool met = false;
    bool only_mended = false;  // no row of re_raw.quarantine itself
  };
  [[nodiscard]] Result<bool> older_bundle(SqlTime ingested_at);

  Postgres& database_;
  const RowPlans& plans_;
  RowRules rules_;
  Findings& findings_;
  std::map<EventKey, Entry> entries_;
  bool too_many_ = false;
  std::uint64_t derivable_ = 0;
};

}  // namespace dpi
