#include "probe/app/keys.h"

#include <fmt/format.h>

#include <array>

#include "probe/app/replay_identity.h"
#include "probe/app/report.h"
#include "probe/crypto/digest.h"
#include "probe/crypto/signing_key.h"
#include "probe/store/postgres.h"

namespace dpi {

int run_keys_generate(const std::string& path) {
  const auto key = SigningKey::generate(path);
  if (!key) return report(key.error());
  fmt::print("{}\n", hex(key->public_key().key_id()));
  return exit_done;
}

int run_keys_show(const std::string& path, bool public_pem) {
  const auto key = SigningKey::read(path);
  if (!key) return report(key.error());
  const PublicKey& pub = key->public_key();
  if (public_pem) {
    fmt::print("{}", pub.pem());
  } else {
    fmt::print("key_id {}\nalgorithm ed25519\nspki {}\n", hex(pub.key_id()), base64(pub.spki()));
  }
  return exit_done;
}

namespace {

struct Enrolment {
  Uuid instance{};
  std::string status;  // enrolled or unchanged
};

Result<Enrolment> enrol(const EnrolOptions& options) {
  const auto key = SigningKey::read(options.key);
  if (!key) return tl::unexpected(key.error());
  const auto machine = this_machine();
  if (!machine) return tl::unexpected(machine.error());
  Enrolment out;
  const auto given = parse_uuid(options.instance);
  if (!options.instance.empty() && !given) {
    return fail(Errc::usage,
                fmt::format("--instance {}: not a UUID in lower case", options.instance));
  }
  out.instance = given.value_or(random_uuid());
  const auto beside = parse_uuid(options.beside);
  if (!options.beside.empty() && !beside)
    return fail(Errc::usage, fmt::format("--beside {}: not a UUID in lower case", options.beside));
  auto database = Postgres::connect(options.conninfo);
  if (!database) return tl::unexpected(database.error());
  const std::array arguments{SqlValue::uuid(out.instance),
                             SqlValue::uuid(machine->id),
                             SqlValue::text(options.tenant),
                             SqlValue::text(options.db_role),
                             SqlValue::bytes(key->public_key().spki()),
                             beside ? SqlValue::uuid(*beside) : SqlValue::null()};
  const auto rows = database->query(
      "select status from re_core.enrol_instance($1, $2, $3, 'dpi_probe', 'live', $4::name, $5, "
      "'file', '', $6)",
      arguments);
  if (!rows) return tl::unexpected(rows.error());
  out.status = rows->at(0).at(0).value_or("");
  return out;
}

}  // namespace

int run_keys_enrol(const EnrolOptions& options) {
  const auto done = enrol(options);
  if (!done) return report(done.error());
  fmt::print("{} {}\n", uuid_text(done->instance), done->status);
  return exit_done;
}

}  // namespace dpi
