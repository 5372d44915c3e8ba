#include "probe/app/audit_database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "probe/app/database_chain.h"
#include "probe/app/schema_bundle.h"
#include "probe/audit/batch_ledger.h"
#include "probe/audit/reading.h"
#include "probe/audit/refusal_audit.h"
#include "probe/audit/registry_audit.h"
#include "probe/audit/row_audit.h"

namespace dpi {
namespace {

using Clock = std::chrono::steady_clock;

// One line on a terminal, drawn anew.
class AuditProgress {
 public:
  void update(const RowTotals& totals) {
    constexpr std::chrono::milliseconds pause{200};
    if (!enabled_ || Clock::now() - drawn_ < pause) return;
    drawn_ = Clock::now();
    fmt::print(stderr, "\r\x1b[Krows: {} of {} events", totals.rows, totals.events);
    std::fflush(stderr);
  }
  void clear() const {
    if (enabled_ && drawn_ != Clock::time_point{}) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  bool enabled_ = ::isatty(STDERR_FILENO) == 1;
  Clock::time_point drawn_{};
};

void print_totals(const RowTotals& totals, Clock::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  fmt::print("rows: {} events and their {} rows compared with what is signed, in {:.1f} s\n",
             totals.events, totals.rows, seconds);
  if (totals.quarantined > 0)
    fmt::print("rows: {} events are in quarantine, and break a rule\n",
               totals.quarantined - totals.derivable);
  if (totals.derivable > 0) {
    fmt::print(
        "rows: {} events in quarantine break no rule of this bundle, only one of the bundle "
        "before: "
        "select re_raw.rederive(instance)\n",
        totals.derivable);
  }
}

}  // namespace

DatabaseAudit::DatabaseAudit(Postgres database, const Scope& scope, Findings& findings)
    : database_(std::move(database)),
      scope_(scope),
      findings_(findings),
      bundle_(bundle_of_this_program()),
      plans_(bundle_),
      context_{database_, bundle_, registry_, findings_, scope_} {}

Result<std::unique_ptr<DatabaseAudit>> DatabaseAudit::open(const std::string& conninfo,
                                                           const Scope& scope, Findings& findings) {
  auto database = Postgres::connect(conninfo);
  if (!database) return tl::unexpected(database.error());
  std::unique_ptr<DatabaseAudit> audit{new DatabaseAudit(std::move(*database), scope, findings)};
  if (auto begun = begin_reading(audit->database_); !begun) return tl::unexpected(begun.error());
  auto readable = readable_tables(audit->database_, audit->bundle_, findings);
  if (!readable) return tl::unexpected(readable.error());
  audit->readable_ = std::move(*readable);
  auto registry = read_registry(audit->database_);
  if (!registry) return tl::unexpected(registry.error());
  audit->registry_ = std::move(*registry);
  return audit;
}

Result<void> DatabaseAudit::rows() {
  const auto begun = Clock::now();
  AuditProgress progress;
  RowAudit audit(database_, bundle_, plans_, readable_, registry_, findings_, scope_);
  auto totals = audit.run([&](const RowTotals& so_far) { progress.update(so_far); });
  if (!totals) return tl::unexpected(totals.error());
  progress.clear();
  print_totals(*totals, Clock::now() - begun);
  met_ = std::move(totals->instances);
  return {};
}

Result<void> DatabaseAudit::ledgers() {
  auto retired = audit_retention(context_);
  if (!retired) return tl::unexpected(retired.error());
  retired_ = std::move(*retired);
  for (auto audit : {&audit_registry, &audit_batch_ledger, &audit_checkpoints, &audit_refusals})
    if (auto done = audit(context_); !done) return done;
  return audit_bundle(context_, schema_bundle_version, schema_bundle_sha256());
}

Result<std::set<Uuid>> DatabaseAudit::instances() {
  auto out = instances_in_database(database_);
  if (out) out->insert(met_.begin(), met_.end());
  return out;
}

Result<ChainReport> DatabaseAudit::chain(const Uuid& instance, ChainVerifier& verifier,
                                         const NoteObserver& observe) {
  return verify_database(context_, instance, retired_, verifier, observe);
}

}  // namespace dpi
