// A checkpoint: C2SP signed note over the tree head of one instance's whole log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/hex.h"
#include "probe/crypto/signing_key.h"

namespace dpi {

struct NoteSignature {
  std::string name;
  std::array<std::uint8_t, 4> key_hint{};  // first bytes of SHA-256(name ‖ \n ‖ 0x01 ‖ raw key)
  ByteBuffer signature;
};

struct Checkpoint {
  std::string origin;
  std::uint64_t tree_size = 0;
  Digest root{};
  std::vector<NoteSignature> signatures;
  std::string body;  // the signed text, its last newline included
};

// ransomeye.dpi/<instance>, of another component ransomeye.<component>/<instance>: the name that
// binds a checkpoint to its chain.
[[nodiscard]] std::string checkpoint_origin(const Uuid& instance,
                                            std::string_view component = "dpi_probe");
[[nodiscard]] std::string sign_checkpoint(const Uuid& instance, std::uint64_t tree_size,
                                          const Digest& root, const SigningKey& key,
                                          std::string_view component = "dpi_probe");
// The same note with another key's signature behind those that it has.
[[nodiscard]] std::string cosign_checkpoint(std::string note, const SigningKey& key);
// Strict: exactly the form that sign_checkpoint writes, one or more signature lines.
[[nodiscard]] std::optional<Checkpoint> parse_checkpoint(std::string_view note);
// True when this key signed it under the checkpoint's own origin.
[[nodiscard]] bool signed_by(const Checkpoint& checkpoint, const PublicKey& key);
// True when one of its lines says that it is this key's signature, good or not.
[[nodiscard]] bool names_signer(const Checkpoint& checkpoint, const PublicKey& key);

}  // namespace dpi
