#include "probe/app/replay_identity.h"

#include "probe/app/version.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

ByteBuffer joined(const std::vector<Digest>& digests) {
  ByteBuffer out;
  for (const Digest& d : digests) out.insert(out.end(), d.begin(), d.end());
  return out;
}

}  // namespace

SigningKey derive_replay_key(const std::vector<Digest>& captures) {
  return SigningKey::from_seed(hkdf_sha256(joined(captures), as_bytes("ransomeye.replay-key/1")));
}

Machine replay_machine() {
  return {machine_id_of("replay"), "replay"};
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
