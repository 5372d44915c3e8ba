// `ransomeye-dpi verify --prove` and `--proof`: one event that can be handed over on its own, as
// two files: its exact bytes and the proof that a signed tree holds them.
#pragma once

#include <string>
#include <vector>

#include "probe/base/result.h"
#include "probe/envelope/event_proof.h"

namespace dpi {

// A sequence or an event_id. Errc::usage for anything else.
[[nodiscard]] Result<EventChoice> parse_event_choice(const std::string& text);

// FOLDER/<event_id>.json and .tlog-proof; says on standard output where they are.
[[nodiscard]] Result<void> write_proof_files(const EventProver::Found& found,
                                             const std::string& folder);

// The event of such a file against its proof. Says on standard output what is proved.
[[nodiscard]] Result<void> verify_proof_file(const std::string& event, const std::string& proof,
                                             const std::vector<PublicKey>& trusted,
                                             const Revocations& revoked);

}  // namespace dpi
