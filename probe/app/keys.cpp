#include "probe/app/keys.h"

#include <fmt/format.h>

#include <array>
#include <variant>

#include "probe/app/enrol_request.h"
#include "probe/app/report.h"
#include "probe/app/request_text.h"
#include "probe/app/rotation_request.h"
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
  const auto keys = SigningKey::read_all(path);
  if (!keys) return report(keys.error());
  for (const SigningKey& key : *keys) {
    const PublicKey& pub = key.public_key();
    if (public_pem) {
      fmt::print("{}", pub.pem());
    } else {
      fmt::print("key_id {}\nalgorithm ed25519\nspki {}\n", hex(pub.key_id()), base64(pub.spki()));
    }
  }
  return exit_done;
}

namespace {

struct Enrolment {
  Uuid instance{};
  std::string status;  // enrolled, rotated or unchanged
  std::string hostname;
};

// A probe that is new, or the next key of one that is known.
using Wanted = std::variant<EnrolRequest, ProvenRotation>;

Result<Wanted> read_request(const std::string& path) {
  const auto text = read_request_file(path);
  if (!text) return tl::unexpected(text.error());
  const auto named = [&](const Error& error) {
    return fail(error.code, fmt::format("{}: {}", path, error.what));
  };
  if (is_rotation_request(*text)) {
    auto rotation = parse_rotation_request(*text);
    if (!rotation) return named(rotation.error());
    return std::move(*rotation);
  }
  auto request = parse_enrol_request(*text);
  if (!request) return named(request.error());
  return std::move(*request);
}

// Of the requests, or of this machine and the key that lies here.
Result<std::vector<Wanted>> wanted(const EnrolOptions& options) {
  std::vector<Wanted> out;
  if (options.requests.empty() == options.key.empty())
    return fail(Errc::usage, "give the key of this machine, or --request FILE of others");
  for (const std::string& path : options.requests) {
    auto request = read_request(path);
    if (!request) return tl::unexpected(request.error());
    out.push_back(std::move(*request));
  }
  if (!options.key.empty()) {
    const auto key = SigningKey::read(options.key);
    if (!key) return tl::unexpected(key.error());
    const auto machine = this_machine();
    if (!machine) return tl::unexpected(machine.error());
    out.emplace_back(EnrolRequest{
        .machine = *machine, .spki = key->public_key().spki(), .role = "", .tenant = ""});
  }
  if (out.size() > 1 && !(options.instance.empty() && options.beside.empty()))
    return fail(Errc::usage, "--instance and --beside are of one probe, not of several");
  return out;
}

const std::string& first_of(const std::string& a, const std::string& b, const std::string& c) {
  if (!a.empty()) return a;
  return b.empty() ? c : b;
}

Result<Enrolment> enrol_one(Postgres& database, const EnrolRequest& request,
                            const EnrolOptions& options) {
  static const std::string default_tenant = "default";
  static const std::string nobody;
  const auto given = parse_uuid(options.instance);
  if (!options.instance.empty() && !given)
    return fail(Errc::usage,
                fmt::format("--instance {}: not a UUID in lower case", options.instance));
  const auto beside = parse_uuid(options.beside);
  if (!options.beside.empty() && !beside)
    return fail(Errc::usage, fmt::format("--beside {}: not a UUID in lower case", options.beside));
  const std::string& role = first_of(options.db_role, request.role, nobody);
  if (role.empty())
    return fail(Errc::usage, "--role: the database login that the probe uses must be named");
  Enrolment out{.instance = given.value_or(random_uuid()),
                .status = "",
                .hostname = request.machine.hostname};
  const std::array arguments{
      SqlValue::uuid(out.instance),
      SqlValue::uuid(request.machine.id),
      SqlValue::text(first_of(options.tenant, request.tenant, default_tenant)),
      SqlValue::text(role),
      SqlValue::bytes(request.spki),
      beside ? SqlValue::uuid(*beside) : SqlValue::null()};
  const auto rows = database.query(
      "select status from re_core.enrol_instance($1, $2, $3, 'dpi_probe', 'live', $4::name, $5, "
      "'file', '', $6)",
      arguments);
  if (!rows) {
    return fail(rows.error().code,
                fmt::format("{}: {}", request.machine.hostname, rows.error().what));
  }
  out.status = rows->at(0).at(0).value_or("");
  return out;
}

// The database knows the chain and its old key, or refuses.
Result<Enrolment> rotate_one(Postgres& database, const ProvenRotation& rotation,
                             const EnrolOptions& options) {
  const std::string instance = uuid_text(rotation.instance);
  if (!options.instance.empty() && options.instance != instance) {
    return fail(Errc::usage,
                fmt::format("--instance {}: the request is of {}", options.instance, instance));
  }
  const std::array arguments{
      SqlValue::uuid(rotation.instance), SqlValue::bytes(rotation.old_key_id),
      SqlValue::bytes(rotation.new_spki), SqlValue::int8(static_cast<std::int64_t>(rotation.seq)),
      SqlValue::text(rotation.reason)};
  const auto rows = database.query(
      "select status from re_core.rotate_key($1, $2, $3, $4, 'file', $5)", arguments);
  if (!rows) {
    return fail(rows.error().code, fmt::format("{}: {}", rotation.hostname, rows.error().what));
  }
  return Enrolment{.instance = rotation.instance,
                   .status = rows->at(0).at(0).value_or(""),
                   .hostname = rotation.hostname};
}

Result<std::vector<Enrolment>> enrol(const EnrolOptions& options) {
  const auto requests = wanted(options);
  if (!requests) return tl::unexpected(requests.error());
  auto database = Postgres::connect(options.conninfo);
  if (!database) return tl::unexpected(database.error());
  if (auto begun = database->run("begin"); !begun) return tl::unexpected(begun.error());
  std::vector<Enrolment> out;
  for (const Wanted& request : *requests) {
    const auto* const rotation = std::get_if<ProvenRotation>(&request);
    auto one = rotation != nullptr ? rotate_one(*database, *rotation, options)
                                   : enrol_one(*database, std::get<EnrolRequest>(request), options);
    if (!one) return tl::unexpected(one.error());
    out.push_back(std::move(*one));
  }
  if (auto committed = database->run("commit"); !committed)
    return tl::unexpected(committed.error());
  return out;
}

}  // namespace

int run_keys_enrol(const EnrolOptions& options) {
  const auto done = enrol(options);
  if (!done) return report(done.error());
  for (const Enrolment& one : *done) {
    fmt::print("{} {}{}{}\n", uuid_text(one.instance), one.status,
               options.requests.empty() ? "" : " ", options.requests.empty() ? "" : one.hostname);
  }
  return exit_done;
}

}  // namespace dpi
