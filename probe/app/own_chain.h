// Whose chain is this: what a live probe makes sure of before it seals anything. One event of
// another machine, under another key or on top of an older state would make the chain one that no
// database takes, for good.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "probe/app/last_heartbeat.h"
#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/envelope.h"
#include "probe/store/live_sink.h"

namespace dpi {

// Which of the keys of the probe's file signs the chain so far: its place. The last checkpoint says
// it, and nothing else: whatever a rotation was interrupted by, the chain goes on under that one.
// Of two keys that signed it the newer; of a chain that begins the newest. Nothing: another key
// did.
[[nodiscard]] std::optional<std::size_t> key_in_force(const std::optional<SpoolState>& state,
                                                      const std::vector<SigningKey>& keys);

// Errc::usage: the machine or the key is another one. Errc::verification: the database's chain is
// another one, or goes on where the spool ends. The database is told, when it can be reached in
// time; when it cannot, the probe begins, and the shipper compares later. Gives the key_in_force().
[[nodiscard]] Result<std::size_t> require_own_chain(const LiveSink& chain, const LastRunFound& last,
                                                    const Identity& identity,
                                                    const std::vector<SigningKey>& keys);

}  // namespace dpi
