// The machine that this process runs on.
#pragma once

#include <string>

#include "probe/base/hex.h"
#include "probe/base/result.h"

namespace dpi {

struct Machine {
  Uuid id{};
  std::string hostname;  // pct-text
};

// UUIDv8 of a secret that names a machine (docs/envelope.md, "machine_id").
[[nodiscard]] Uuid machine_id_of(std::string_view secret);
// From /etc/machine-id (kept confidential by hashing) and the host name.
[[nodiscard]] Result<Machine> this_machine();

}  // namespace dpi
