// A small chain as the sealer makes it, for tests that then alter it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "probe/envelope/canonical_writer.h"
#include "probe/envelope/chain_verifier.h"
#include "probe/envelope/sealer.h"

namespace dpi {

struct ChainLine {
  std::string envelope;
  std::string payload;
  std::string note;  // a checkpoint when not empty
};

inline SigningKey chain_key(std::uint8_t byte) {
  Digest seed{};
  seed.fill(byte);
  return SigningKey::from_seed(seed);
}

inline std::string start_payload(const PublicKey& key) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("key_alg", "ed25519");
  w.member_hex("key_id", key.key_id());
  w.member("key_spki", base64(key.spki()));
  w.member("reason", "replay");
  w.end_object();
  return out;
}

// Eight events, a checkpoint after four and one at the end.
inline std::vector<ChainLine> honest_chain(std::uint8_t key_byte = 1) {
  Identity identity{.hostname = "h", .version = "1", .mode = Mode::replay};
  identity.instance[15] = 1;
  Sealer sealer(identity, chain_key(key_byte));
  std::vector<ChainLine> lines;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::string payload =
        i == 0 ? start_payload(sealer.key().public_key()) : "{\"n\":" + std::to_string(i) + "}";
    ChainLine line;
    line.envelope = sealer.seal({.type = i == 0 ? "chain.start" : "dpi.flow",
                                 .version = 1,
                                 .observed_at = timestamp(1),
                                 .payload = payload},
                                {.emitted_at = timestamp(1), .mono_us = i});
    line.payload = payload;
    lines.push_back(line);
    if (i % 4 == 3) lines.push_back({.envelope = {}, .payload = {}, .note = sealer.checkpoint()});
  }
  return lines;
}

inline Result<void> add_line(ChainVerifier& verifier, const ChainLine& line) {
  return line.note.empty() ? verifier.add_event(line.envelope, line.payload)
                           : verifier.add_checkpoint(line.note);
}

}  // namespace dpi
