// What `verify postgres:` asks of a database, in one snapshot and read only: is every row what its
// signed event says, do registry and ledgers hold together, are the chains whole.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "probe/app/chain_source.h"
#include "probe/audit/audit_context.h"
#include "probe/audit/retention_audit.h"
#include "probe/audit/row_plan.h"

namespace dpi {

class DatabaseAudit {
 public:
  // `scope` and `findings` outlive it. Errc::usage when the login is not shown every row.
  [[nodiscard]] static Result<std::unique_ptr<DatabaseAudit>> open(const std::string& conninfo,
                                                                   const Scope& scope,
                                                                   Findings& findings);
  [[nodiscard]] Result<void> rows();
  // Before chain(): which days left lawfully is said there.
  [[nodiscard]] Result<void> ledgers();
  // Every instance that any table names.
  [[nodiscard]] Result<std::set<Uuid>> instances();
  [[nodiscard]] Result<ChainReport> chain(const Uuid& instance, ChainVerifier& verifier,
                                          const NoteObserver& observe);

 private:
  DatabaseAudit(Postgres database, const Scope& scope, Findings& findings);

  Postgres database_;
  const Scope& scope_;
  Findings& findings_;
  BundleCatalogue bundle_;
  RowPlans plans_;
  Registry registry_;
  std::vector<const BundleTable*> readable_;
  std::vector<RetiredDay> retired_;
  std::set<Uuid> met_;  // instances that rows named
  AuditContext context_;
};

}  // namespace dpi
