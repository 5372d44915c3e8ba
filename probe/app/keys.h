// `ransomeye-dpi keys`: the signing key.
#pragma once

#include <string>

namespace dpi {

[[nodiscard]] int run_keys_generate(const std::string& path);
// The key's id, or with `public_pem` the PEM that verifies its signatures.
[[nodiscard]] int run_keys_show(const std::string& path, bool public_pem);

struct EnrolOptions {
  std::string key;
  std::string conninfo;
  std::string instance;  // empty: a new random one
  std::string beside;    // an active instance of this machine, for one more
  std::string tenant = "default";
  std::string db_role;  // login that the probe will use
};
// Registers this machine's probe and its key with the database; prints the instance.
[[nodiscard]] int run_keys_enrol(const EnrolOptions& options);

}  // namespace dpi
