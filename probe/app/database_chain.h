// A chain that a database holds: its events in the order of the batch ledger, its checkpoints, and
// what the database keeps beside them and is derived from them: keys, identities, subtree hashes.
#pragma once

#include <set>
#include <span>
#include <string>

#include "probe/app/chain_source.h"
#include "probe/audit/audit_context.h"
#include "probe/audit/retention_audit.h"

namespace dpi {

// Every instance that registry, heads, ledgers, checkpoints or events name.
[[nodiscard]] Result<std::set<Uuid>> instances_in_database(Postgres& database);

// Inside begin_reading(). `retired` are the days whose events left lawfully. What is wrong with the
// chain itself is the error; what is wrong beside it is a finding.
[[nodiscard]] Result<ChainReport> verify_database(const AuditContext& context, const Uuid& instance,
                                                  std::span<const RetiredDay> retired,
                                                  ChainVerifier& verifier,
                                                  const NoteObserver& observe);

}  // namespace dpi
