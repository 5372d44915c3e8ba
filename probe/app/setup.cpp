#include "probe/app/setup.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>

#include "probe/app/config.h"
#include "probe/app/config_check.h"
#include "probe/app/files.h"
#include "probe/app/machine.h"
#include "probe/app/report.h"
#include "probe/app/schema.h"
#include "probe/app/schema_bundle.h"
#include "probe/app/setup_plan.h"
#include "probe/app/setup_start.h"
#include "probe/crypto/digest.h"
#include "probe/crypto/signing_key.h"
#include "probe/store/conninfo.h"
#include "probe/store/postgres.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

class Setup {
 public:
  explicit Setup(const SetupOptions& options)
      : options_(options),
        config_(fs::path{options.folder} / "dpi" / (options.name + ".toml")),
        key_(fs::path{options.folder} / "keys" / (options.name + ".pem")) {}

  Result<void> run() {
    if (auto named = check_setup_names(options_); !named) return named;
    auto database = setup_database(options_.conninfo);
    if (!database) return tl::unexpected(database.error());
    database_ = std::move(*database);
    if (options_.dry_run) return show();
    if (auto made = make_database(); !made) return made;
    if (const int code = run_schema_apply(target()); code != exit_done)
      return fail(Errc::sink, "the database was not made; the message above says why");
    auto connection = Postgres::connect(target());
    if (!connection) return tl::unexpected(connection.error());
    for (const std::string& statement : setup_statements(options_)) {
      if (auto done = connection->run(statement); !done) return done;
    }
    if (auto written = key(); !written) return written;
    std::error_code ignored;
    if (fs::exists(config_, ignored)) {
      fmt::print("{} is there already and stays as it is\n", config_.string());
      return {};
    }
    const auto instance = enrol(*connection);
    if (!instance) return tl::unexpected(instance.error());
    return configuration(*instance);
  }

  // `config check --deep` of what was made.
  [[nodiscard]] int check() const {
    const auto config = load_config(config_.string(), {});
    if (!config) return report(config.error());
    return run_deep_check(
        *config, {.file = config_.string(), .interfaces = {}, .outputs = {}, .key = key_.string()});
  }

  // Its unit, seen to work.
  Result<void> start() const {
    const auto config = load_config(config_.string(), {});
    if (!config) return tl::unexpected(config.error());
    auto connection = Postgres::connect(target());
    if (!connection) return tl::unexpected(connection.error());
    return start_and_await_canary("ransomeye-dpi@" + options_.name, config->probe_instance,
                                  *connection);
  }

 private:
  [[nodiscard]] std::string target() const { return with_database(options_.conninfo, database_); }

  Result<void> show() const {
    fmt::print("-- as superuser; each statement may be run again\n");
    fmt::print("create database \"{}\";  -- if it is not there\n", database_);
    fmt::print("-- ransomeye-dpi schema apply: bundle {} ({})\n", schema_bundle_version,
               hex(schema_bundle_sha256()));
    for (const std::string& statement : setup_statements(options_)) fmt::print("{};\n", statement);
    fmt::print(
        "select * from re_core.enrol_instance(INSTANCE, MACHINE, '{}', 'dpi_probe', 'live', '{}', "
        "SPKI, 'file', '', null);\n",
        options_.tenant, options_.role);
    fmt::print("\n# {} (mode 0400, a new Ed25519 key)\n", key_.string());
    fmt::print("\n# {} (mode 0640, group ransomeye-dpi)\n{}", config_.string(),
               setup_config(options_, "INSTANCE"));
    fmt::print(
        "\n# then\nransomeye-dpi config check --deep {}\nsystemctl enable --now ransomeye-dpi@{}\n",
        config_.string(), options_.name);
    return {};
  }

  Result<void> make_database() const {
    if (auto there = Postgres::connect(target()); there) return {};
    auto server = Postgres::connect(with_database(options_.conninfo, "postgres"));
    if (!server) return tl::unexpected(server.error());
    const std::array arguments{SqlValue::text(database_)};
    const auto found = server->query("select 1 from pg_database where datname = $1", arguments);
    if (!found) return tl::unexpected(found.error());
    if (!found->empty()) return {};  // it is, and something else is wrong with it
    const auto name = server->query("select quote_ident($1)", arguments);
    if (!name) return tl::unexpected(name.error());
    return server->run("create database " + name->at(0).at(0).value_or(""));
  }

  Result<void> folder_of(const fs::path& file, mode_t mode) const {
    std::error_code failed;
    if (fs::exists(file.parent_path(), failed)) return {};
    fs::create_directories(file.parent_path(), failed);
    if (failed) {
      return fail(Errc::sink, fmt::format("{}: {}", file.parent_path().string(), failed.message()));
    }
    ::chmod(file.parent_path().c_str(), mode);
    return {};
  }

  Result<void> key() const {
    if (auto made = folder_of(key_, 0700); !made) return made;
    std::error_code ignored;
    const auto key =
        fs::exists(key_, ignored) ? SigningKey::read(key_) : SigningKey::generate(key_);
    if (!key) return tl::unexpected(key.error());
    return {};
  }

  Result<std::string> enrol(Postgres& connection) const {
    const auto key = SigningKey::read(key_);
    if (!key) return tl::unexpected(key.error());
    const auto machine = this_machine();
    if (!machine) return tl::unexpected(machine.error());
    const Uuid instance = random_uuid();
    const ByteBuffer spki = key->public_key().spki();
    const std::array arguments{SqlValue::uuid(instance), SqlValue::uuid(machine->id),
                               SqlValue::text(options_.tenant), SqlValue::text(options_.role),
                               SqlValue::bytes(spki)};
    const auto rows = connection.query(
        "select status from re_core.enrol_instance($1, $2, $3, 'dpi_probe', 'live', $4::name, $5, "
        "'file', '', null)",
        arguments);
    if (!rows) return tl::unexpected(rows.error());
    return uuid_text(instance);
  }

  Result<void> configuration(const std::string& instance) const {
    if (auto made = folder_of(config_, 0750); !made) return made;
    if (auto written = write_file(config_, setup_config(options_, instance)); !written)
      return written;
    ::chmod(config_.c_str(), 0640);
    // Of the package; without it the probe's user is whoever was chosen.
    if (const group* const own = ::getgrnam("ransomeye-dpi"); own != nullptr && ::geteuid() == 0) {
      [[maybe_unused]] const int file = ::chown(config_.c_str(), 0, own->gr_gid);
    }
    return {};
  }

  const SetupOptions& options_;
  fs::path config_;
  fs::path key_;
  std::string database_;
};

}  // namespace

int run_setup(const SetupOptions& options) {
  Setup setup(options);
  if (const auto done = setup.run(); !done) return report(done.error());
  if (options.dry_run) return exit_done;
  if (const int code = setup.check(); code != exit_done) return code;
  if (options.start) {
    const auto started = setup.start();
    return started ? int{exit_done} : report(started.error());
  }
  fmt::print("next: systemctl enable --now ransomeye-dpi@{0}; ransomeye-dpi status -d …\n",
             options.name);
  return exit_done;
}

}  // namespace dpi
