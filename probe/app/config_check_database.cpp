#include "probe/app/config_check_database.h"

#include <fmt/format.h>

#include "probe/app/schema_bundle.h"
#include "probe/base/hex.h"
#include "probe/store/event_database.h"

namespace dpi {
namespace {

constexpr const char* topic = "database";

ConfigFinding found(ConfigState level, std::string what, std::string remedy = "") {
  return {level, topic, std::move(what), std::move(remedy)};
}

ConfigFinding bundle_finding(Postgres& connection) {
  const auto rows =
      connection.query("select version, encode(ddl_sha256, 'hex') from re_core.bundle()");
  if (!rows || rows->empty()) {
    return found(ConfigState::warning, "its bundle cannot be read",
                 "`ransomeye-dpi schema check` as its superuser says why");
  }
  const std::string version = rows->at(0).at(0).value_or("");
  if (version == schema_bundle_version &&
      rows->at(0).at(1).value_or("") == hex(schema_bundle_sha256()))
    return found(ConfigState::fine, fmt::format("bundle {}", version));
  return found(
      ConfigState::warning,
      fmt::format("holds bundle {}, this probe was built for {}", version, schema_bundle_version),
      "`ransomeye-dpi schema plan` says what `schema apply` would do");
}

ConfigFinding enrolment_finding(EventDatabase& database, const std::string& instance) {
  const auto id = parse_uuid(instance);
  if (!id) return found(ConfigState::fine, "takes events of our kind");
  const auto head = database.resume(*id);
  if (!head) {
    return found(ConfigState::error, head.error().what,
                 "the login needs `grant re_probe`; `keys enrol --role LOGIN` names it");
  }
  if (!*head) {
    return found(ConfigState::error,
                 fmt::format("instance {} is not enrolled for this login", instance),
                 "`ransomeye-dpi keys enrol FILE --role LOGIN`, as re_enrol");
  }
  return found(ConfigState::fine,
               fmt::format("instance is enrolled, {} events so far", (**head).next_seq));
}

}  // namespace

std::vector<ConfigFinding> check_database(const std::string& conninfo,
                                          const std::string& instance) {
  std::vector<ConfigFinding> out;
  auto connection = Postgres::connect(conninfo);
  if (!connection) {
    const bool wrong = connection.error().code == Errc::usage;
    out.push_back(found(wrong ? ConfigState::error : ConfigState::warning, connection.error().what,
                        wrong ? "see database.conninfo"
                              : "the probe captures without and ships when it is there again"));
    return out;
  }
  EventDatabase database(std::move(*connection));
  if (const auto set = database.prepare_session(); !set) {
    out.push_back(found(ConfigState::error, set.error().what, "see the server's log"));
    return out;
  }
  if (const auto served = database.require_contract(); !served) {
    out.push_back(found(ConfigState::error, served.error().what,
                        "database and probe must be of versions that belong together"));
    return out;
  }
  out.push_back(bundle_finding(database.connection()));
  out.push_back(enrolment_finding(database, instance));
  return out;
}

}  // namespace dpi
