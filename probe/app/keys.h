// `ransomeye-dpi keys`: the signing key.
#pragma once

#include <string>
#include <vector>

namespace dpi {

[[nodiscard]] int run_keys_generate(const std::string& path);
// The key's id, or with `public_pem` the PEM that verifies its signatures; of both while a rotation
// is under way.
[[nodiscard]] int run_keys_show(const std::string& path, bool public_pem);

struct EnrolOptions {
  std::string key;                    // this machine's; or
  std::vector<std::string> requests;  // files of `keys request` or `keys rotate`, of any machine
  std::string conninfo;
  std::string instance;  // empty: a new random one
  std::string beside;    // an active instance of this machine, for one more
  std::string tenant;    // short name; empty: the request's, else "default"
  std::string db_role;   // login that the probe will use
};
// Registers a machine's probe and its key with the database, or the next key of one, or several,
// all or none; prints a line
// for each: its instance, what was done, and of a request the host.
[[nodiscard]] int run_keys_enrol(const EnrolOptions& options);

}  // namespace dpi
