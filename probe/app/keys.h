// `ransomeye-dpi keys`: the signing key.
#pragma once

#include <string>

namespace dpi {

[[nodiscard]] int run_keys_generate(const std::string& path);
// The key's id, or with `public_pem` the PEM that verifies its signatures.
[[nodiscard]] int run_keys_show(const std::string& path, bool public_pem);

}  // namespace dpi
