#include "probe/app/keys.h"

#include <fmt/format.h>

#include "probe/app/report.h"
#include "probe/crypto/signing_key.h"

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

}  // namespace dpi
