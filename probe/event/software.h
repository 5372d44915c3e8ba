// What runs, beyond the versions of probe and nDPI. Of the machine, so empty in replay; what is
// empty is absent from payloads.
#pragma once

#include <optional>
#include <string>

#include "probe/base/hex.h"

namespace dpi {

struct Software {
  std::string libpcap_version{};
  std::string openssl_version{};
  std::string kernel_version{};
  std::optional<Digest> build_sha256{};         // of the probe's executable
  std::optional<Digest> ndpi_library_sha256{};  // of the shared library that is loaded
};

}  // namespace dpi
