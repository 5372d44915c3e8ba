#include "probe/app/enrol_request.h"

#include <fmt/format.h>

#include <array>

#include "probe/app/report.h"
#include "probe/app/request_text.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/canonical_writer.h"

namespace dpi {
namespace {

constexpr std::string_view format_name = "ransomeye.enrol-request/1";

}  // namespace

std::string enrol_request_text(const EnrolRequest& request) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("format", format_name);
  w.member("hostname", request.machine.hostname);
  w.key("key_id");
  w.value(hex(PublicKey::from_spki(request.spki)->key_id()));
  w.key("machine_id");
  w.value(uuid_text(request.machine.id));
  w.member("role", request.role);
  w.key("spki");
  w.value(base64(request.spki));
  w.member("tenant", request.tenant);
  w.end_object();
  return out + "\n";
}

Result<EnrolRequest> parse_enrol_request(std::string_view text) {
  const auto json = parse_request(text, format_name);
  if (!json) {
    return fail(Errc::usage,
                fmt::format("is no {}: `ransomeye-dpi keys request FILE` on the sensor writes one",
                            format_name));
  }
  EnrolRequest out;
  const auto machine = parse_uuid(request_member(*json, "machine_id"));
  const auto spki = parse_base64(request_member(*json, "spki"));
  const auto key = spki ? PublicKey::from_spki(*spki) : std::nullopt;
  if (!machine || !key || hex(key->key_id()) != request_member(*json, "key_id"))
    return fail(Errc::usage,
                "its machine, key and key id do not belong together: ask for it again");
  out.machine = {*machine, request_member(*json, "hostname")};
  out.spki = *spki;
  out.role = request_member(*json, "role");
  out.tenant = request_member(*json, "tenant");
  return out;
}

int run_keys_request(const std::string& key, const std::string& role, const std::string& tenant) {
  const auto read = SigningKey::read(key);
  if (!read) return report(read.error());
  const auto machine = this_machine();
  if (!machine) return report(machine.error());
  for (const std::string& name : {role, tenant}) {
    // The request is plain JSON without escapes; so are names of logins and tenants that are sane.
    if (name.find_first_of("\"\\") != std::string::npos || pct_text(as_bytes(name)) != name)
      return report({Errc::usage, fmt::format("{}: no name of a login or tenant", name)});
  }
  fmt::print("{}", enrol_request_text({.machine = *machine,
                                       .spki = read->public_key().spki(),
                                       .role = role,
                                       .tenant = tenant}));
  return exit_done;
}

}  // namespace dpi
