// What a sensor hands to whoever may enrol it: its public key, its machine and its host name.
// Nothing in it is secret.
#pragma once

#include <string>
#include <string_view>

#include "probe/app/machine.h"
#include "probe/base/bytes.h"

namespace dpi {

struct EnrolRequest {
  Machine machine;
  ByteBuffer spki;     // of an Ed25519 key
  std::string role;    // the database login that it will use; empty: as the enroller says
  std::string tenant;  // empty: as the enroller says
};

// One line of JSON.
[[nodiscard]] std::string enrol_request_text(const EnrolRequest& request);
// Errc::usage when it is none, or when its key and key id disagree.
[[nodiscard]] Result<EnrolRequest> parse_enrol_request(std::string_view text);

// `keys request`: writes it to standard output.
[[nodiscard]] int run_keys_request(const std::string& key, const std::string& role,
                                   const std::string& tenant);

}  // namespace dpi
