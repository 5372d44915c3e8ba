#include "probe/app/replay_identity.h"

#include <unistd.h>

#include <array>
#include <fstream>

#include "probe/app/version.h"
#include "probe/crypto/digest.h"
#include "probe/envelope/canonical.h"

namespace dpi {
namespace {

ByteBuffer joined(const std::vector<Digest>& digests) {
  ByteBuffer out;
  for (const Digest& d : digests) out.insert(out.end(), d.begin(), d.end());
  return out;
}

Uuid machine_id_of(std::string_view secret) {
  return uuid_v8(sha256({as_bytes("ransomeye.machine/1\n"), as_bytes(secret)}));
}

}  // namespace

SigningKey derive_replay_key(const std::vector<Digest>& captures) {
  return SigningKey::from_seed(hkdf_sha256(joined(captures), as_bytes("ransomeye.replay-key/1")));
}

Machine replay_machine() {
  return {machine_id_of("replay"), "replay"};
}

Result<Machine> this_machine() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  if (!(file >> id) || id.size() != 32) {
    return fail(Errc::usage,
                "/etc/machine-id: unreadable or not 32 hexadecimal digits; create it with "
                "`systemd-machine-id-setup`");
  }
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0')
    host = {'u', 'n', 'k', 'n', 'o', 'w', 'n'};
  std::string name;
  append_pct(name, as_bytes(std::string_view{host.data()}), 255);
  return Machine{machine_id_of(id), name};
}

ReplayIdentity replay_identity(const Machine& machine, const Digest& config_sha256,
                               const std::vector<Digest>& captures, SigningKey key) {
  const ByteBuffer pcaps = joined(captures);
  const auto derive = [&](std::string_view domain) {
    return uuid_v8(sha256({as_bytes(domain), machine.id, config_sha256, pcaps}));
  };
  ReplayIdentity out{
      .identity = {}, .run_id = derive("ransomeye.replay-run/1\n"), .key = std::move(key)};
  out.identity = {.instance = derive("ransomeye.replay/1\n"),
                  .machine = machine.id,
                  .boot = derive("ransomeye.replay-boot/1\n"),
                  .hostname = machine.hostname,
                  .version = std::string{probe_version},
                  .mode = Mode::replay};
  return out;
}

}  // namespace dpi
