// `ransomeye-dpi keys revoke`: tells the database that a key proves nothing from a sequence on.
#pragma once

#include <string>

namespace dpi {

struct RevokeOptions {
  std::string instance;
  std::string key_id;
  std::string from;  // the first sequence that it proves nothing of
  std::string reason;
  bool compromised = false;  // somebody else may have held it
  bool retire = false;       // the chain ends too: no further event of it is taken
  std::string conninfo;
};
// As re_enrol. All of it or nothing.
[[nodiscard]] int run_keys_revoke(const RevokeOptions& options);

}  // namespace dpi
