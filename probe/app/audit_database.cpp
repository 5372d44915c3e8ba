#include "probe/app/audit_database.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "probe/app/human.h"
#include "probe/app/schema_bundle.h"
#include "probe/audit/reading.h"

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
  ~AuditProgress() {
    if (enabled_ && drawn_ != Clock::time_point{}) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  bool enabled_ = ::isatty(STDERR_FILENO) == 1;
  Clock::time_point drawn_{};
};

void print_totals(const RowTotals& totals, Clock::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  fmt::print("rows: {} events and {} rows compared with what is signed, in {:.1f} s\n",
             totals.events, totals.rows, seconds);
  if (totals.quarantined > 0)
    fmt::print("rows: {} events are in quarantine, and break a rule\n",
               totals.quarantined - totals.derivable);
  if (totals.derivable > 0) {
    fmt::print(
        "rows: {} events in quarantine break no rule of this bundle, only one of the bundle before: "
        "select re_raw.rederive(instance)\n",
        totals.derivable);
  }
}

}  // namespace

Result<RowTotals> audit_database(const std::string& conninfo, const Scope& scope,
                                 Findings& findings) {
  auto database = Postgres::connect(conninfo);
  if (!database) return tl::unexpected(database.error());
  if (auto begun = begin_reading(*database); !begun) return tl::unexpected(begun.error());

  std::vector<std::string_view> files;
  for (const SchemaFile& file : schema_files()) files.push_back(file.sql);
  const BundleCatalogue bundle(files);
  const RowPlans plans(bundle);
  const auto readable = readable_tables(*database, bundle, findings);
  if (!readable) return tl::unexpected(readable.error());
  const auto registry = read_registry(*database);
  if (!registry) return tl::unexpected(registry.error());

  const auto begun = Clock::now();
  AuditProgress progress;
  RowAudit rows(*database, bundle, plans, *readable, *registry, findings, scope);
  auto totals = rows.run([&](const RowTotals& so_far) { progress.update(so_far); });
  if (totals) print_totals(*totals, Clock::now() - begun);
  return totals;
}

}  // namespace dpi
