// Who a replay's events are by: derived from the captures, or this machine with its own key
// (docs/envelope.md, "Replay identity").
#pragma once

#include <string>
#include <vector>

#include "probe/app/machine.h"
#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/envelope.h"

namespace dpi {

struct ReplayIdentity {
  Identity identity;
  Uuid run_id{};
  SigningKey key;
};

// Everybody who has the captures derives the same key: it proves integrity, not origin.
[[nodiscard]] SigningKey derive_replay_key(const std::vector<Digest>& captures);

// The machine that every derived replay claims to run on.
[[nodiscard]] Machine replay_machine();

[[nodiscard]] ReplayIdentity replay_identity(const Machine& machine, const Digest& config_sha256,
                                             const std::vector<Digest>& captures, SigningKey key);

}  // namespace dpi
