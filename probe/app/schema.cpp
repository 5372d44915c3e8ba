#include "probe/app/schema.h"

#include <fmt/format.h>

#include <array>

#include "probe/app/report.h"
#include "probe/app/schema_bundle.h"
#include "probe/app/schema_check.h"
#include "probe/store/event_database.h"

namespace dpi {
namespace {

Result<bool> has_bundle(Postgres& database) {
  const auto rows = database.query("select to_regclass('re_core.schema_bundle') is not null");
  if (!rows) return tl::unexpected(rows.error());
  return rows->at(0).at(0) == "t";
}

Result<void> apply_and_register(Postgres& database) {
  if (auto applied = apply_schema_files(database); !applied) return applied;
  const Digest hash = schema_bundle_sha256();
  const std::array arguments{SqlValue::text(schema_bundle_version), SqlValue::bytes(hash)};
  const auto registered = database.query("select re_core.register_bundle($1, $2)", arguments);
  if (!registered) return tl::unexpected(registered.error());
  return {};
}

Result<std::string> apply(const std::string& conninfo) {
  auto connection = Postgres::connect(conninfo);
  if (!connection) return tl::unexpected(connection.error());
  const auto there = has_bundle(*connection);
  if (!there) return tl::unexpected(there.error());
  const std::string hash = hex(schema_bundle_sha256());
  if (*there) {
    EventDatabase database(std::move(*connection));
    if (auto same = database.require_bundle(schema_bundle_sha256()); !same)
      return tl::unexpected(same.error());
    return fmt::format("bundle {} ({}) is in place, nothing to do", schema_bundle_version, hash);
  }
  if (auto begun = connection->run("begin"); !begun) return tl::unexpected(begun.error());
  if (auto applied = apply_and_register(*connection); !applied)
    return tl::unexpected(applied.error());
  if (auto committed = connection->run("commit"); !committed)
    return tl::unexpected(committed.error());
  return fmt::format("bundle {} ({}) applied", schema_bundle_version, hash);
}

}  // namespace

Result<void> apply_schema_files(Postgres& database) {
  for (const SchemaFile& file : schema_files()) {
    if (auto done = database.run(std::string{file.sql}); !done) {
      return fail(
          Errc::sink,
          fmt::format("{}: {}; nothing was changed. Apply the bundle as a superuser to an empty "
                      "database",
                      file.name, done.error().what));
    }
  }
  return {};
}

int run_schema_hash() {
  fmt::print("{}\n", hex(schema_bundle_sha256()));
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
  EventDatabase database(std::move(*connection));
  if (auto same = database.require_bundle(schema_bundle_sha256()); !same) {
    return report({Errc::verification, same.error().what});
  }
  fmt::print("bundle {} ({}) is the one this probe was built for\n", schema_bundle_version,
             hex(schema_bundle_sha256()));
  const auto super = database.connection().query("show is_superuser");
  if (!super) return report(super.error());
  if (super->at(0).at(0) != "on") {
    say("tables, functions and rights were not compared one by one: that takes a superuser's "
        "login");
    return exit_done;
  }
  const auto differences = schema_differences(database.connection(), conninfo);
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
