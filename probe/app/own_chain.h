// Whose chain is this: what a live probe makes sure of before it seals anything. One event of
// another machine, under another key or on top of an older state would make the chain one that no
// database takes, for good.
#pragma once

#include "probe/app/last_heartbeat.h"
#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/envelope.h"
#include "probe/store/live_sink.h"

namespace dpi {

// Errc::usage: the machine or the key is another one. Errc::verification: the database's chain is
// another one, or goes on where the spool ends. The database is told, when it can be reached in
// time; when it cannot, the probe begins, and the shipper compares later.
[[nodiscard]] Result<void> require_own_chain(const LiveSink& chain, const LastRunFound& last,
                                             const Identity& identity, const PublicKey& key);

}  // namespace dpi
