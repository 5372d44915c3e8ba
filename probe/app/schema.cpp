#include "probe/app/schema.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "probe/app/report.h"
#include "probe/app/schema_bundle.h"
#include "probe/app/schema_check.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

Result<bool> has_bundle(Postgres& database) {
  const auto rows = database.query("select to_regclass('re_core.schema_bundle') is not null");
  if (!rows) return tl::unexpected(rows.error());
  return rows->at(0).at(0) == "t";
}

Result<void> run_file(Postgres& database, const SchemaFile& file) {
  if (auto done = database.run(std::string{file.sql}); !done) {
    return fail(Errc::sink, fmt::format("{}: {}; nothing was changed. It takes a superuser, and a "
                                        "database that is empty or of a released bundle",
                                        file.name, done.error().what));
  }
  return {};
}

// What has to be run in a database to make it one of this bundle.
struct Plan {
  std::string version;  // of the bundle that it holds, empty when none
  std::vector<SchemaFile> files;
  [[nodiscard]] bool is_done() const { return version == schema_bundle_version; }
};

Result<Plan> plan_for(Postgres& database) {
  const auto there = has_bundle(database);
  if (!there) return tl::unexpected(there.error());
  if (!*there) {
    const auto files = schema_files();
    return Plan{.version = "", .files = {files.begin(), files.end()}};
  }
  const auto rows =
      database.query("select version, encode(ddl_sha256, 'hex') from re_core.bundle()");
  if (!rows) return tl::unexpected(rows.error());
  std::string version = rows->at(0).at(0).value_or("");
  const std::string hash = rows->at(0).at(1).value_or("");
  if (version == schema_bundle_version && hash != hex(schema_bundle_sha256())) {
    return fail(Errc::sink,
                fmt::format("the database holds bundle {} with hash {}, the released one has {}: "
                            "it was made from other files",
                            version, hash, hex(schema_bundle_sha256())));
  }
  auto files = migrations_from(version);
  if (!files) {
    return fail(Errc::sink,
                fmt::format("the database holds bundle {}, from which no migration "
                            "leads to {}: use the probe that belongs to it",
                            version.empty() ? "unregistered" : version, schema_bundle_version));
  }
  return Plan{.version = std::move(version), .files = std::move(*files)};
}

Result<void> register_bundle(Postgres& database, const ReleasedBundle& bundle) {
  const std::array arguments{SqlValue::text(bundle.version), SqlValue::bytes(bundle.sha256)};
  const auto done = database.query("select re_core.register_bundle($1, $2)", arguments);
  if (!done) return tl::unexpected(done.error());
  return {};
}

// All or nothing. A migration begins at the bundle that is registered, so each registers the one
// that it leads to: where the next one begins.
Result<void> carry_out(Postgres& database, const Plan& plan) {
  if (auto begun = database.run("begin"); !begun) return begun;
  for (std::size_t i = 0; i < plan.files.size(); ++i) {
    if (auto done = run_file(database, plan.files[i]); !done) return done;
    if (plan.version.empty() || i + 1 == plan.files.size()) continue;
    const auto between = start_of(plan.files[i + 1]);
    DPI_CHECK(between.has_value());
    if (auto done = register_bundle(database, *between); !done) return done;
  }
  if (auto done = register_bundle(database, {schema_bundle_version, schema_bundle_sha256()}); !done)
    return done;
  return database.run("commit");
}

Result<std::string> apply(const std::string& conninfo) {
  auto connection = Postgres::connect(conninfo);
  if (!connection) return tl::unexpected(connection.error());
  const auto plan = plan_for(*connection);
  if (!plan) return tl::unexpected(plan.error());
  const std::string hash = hex(schema_bundle_sha256());
  if (plan->is_done()) {
    return fmt::format("bundle {} ({}) is in place, nothing to do", schema_bundle_version, hash);
  }
  if (auto done = carry_out(*connection, *plan); !done) return tl::unexpected(done.error());
  if (plan->version.empty())
    return fmt::format("bundle {} ({}) applied", schema_bundle_version, hash);
  return fmt::format("bundle {} migrated to {} ({})", plan->version, schema_bundle_version, hash);
}

}  // namespace

Result<void> apply_schema_files(Postgres& database) {
  for (const SchemaFile& file : schema_files()) {
    if (auto done = run_file(database, file); !done) return done;
  }
  return {};
}

int run_schema_hash() {
  fmt::print("{}\n", hex(schema_bundle_sha256()));
  return exit_done;
}

int run_schema_plan(const std::string& conninfo) {
  auto connection = Postgres::connect(conninfo);
  if (!connection) return report(connection.error());
  const auto plan = plan_for(*connection);
  if (!plan) return report(plan.error());
  const std::string hash = hex(schema_bundle_sha256());
  if (plan->is_done()) {
    fmt::print("bundle {} ({}) is in place, nothing to do\n", schema_bundle_version, hash);
    return exit_done;
  }
  if (plan->version.empty()) {
    fmt::print("the database is empty; bundle {} ({}) would be made:\n", schema_bundle_version,
               hash);
  } else {
    fmt::print("bundle {} would become {} ({}) in one transaction:\n", plan->version,
               schema_bundle_version, hash);
  }
  for (const SchemaFile& file : plan->files) fmt::print("  {}\n", file.name);
  return exit_done;
}

int run_schema_apply(const std::string& conninfo) {
  const auto done = apply(conninfo);
  if (!done) return report(done.error());
  fmt::print("{}\n", *done);
  return exit_done;
}

int run_schema_check(const std::string& conninfo) {
  auto connection = Postgres::connect(conninfo);
  if (!connection) return report(connection.error());
  const auto plan = plan_for(*connection);
  if (!plan) return report({Errc::verification, plan.error().what});
  if (!plan->is_done()) {
    return report({Errc::verification,
                   fmt::format("the database holds {}, this probe was built for bundle {}: "
                               "`ransomeye-dpi schema plan` says what would be done",
                               plan->version.empty() ? "no bundle" : "bundle " + plan->version,
                               schema_bundle_version)});
  }
  fmt::print("bundle {} ({}) is the one this probe was built for\n", schema_bundle_version,
             hex(schema_bundle_sha256()));
  const auto super = connection->query("show is_superuser");
  if (!super) return report(super.error());
  if (super->at(0).at(0) != "on") {
    say("tables, functions and rights were not compared one by one: that takes a superuser's "
        "login");
    return exit_done;
  }
  const auto differences = schema_differences(*connection, conninfo);
  if (!differences) return report(differences.error());
  for (const std::string& line : *differences) fmt::print("{}\n", line);
  if (differences->empty()) {
    fmt::print("every object is as the bundle makes it\n");
    return exit_done;
  }
  return report(
      {Errc::verification,
       fmt::format("{} differences: somebody changed this database by hand; undo them, or "
                   "restore it from a backup",
                   differences->size())});
}

}  // namespace dpi
