// How a chain hands over from one signing key to the next: the event key.rotate, in which the new
// key signs that it is possessed, and one checkpoint over it that both keys sign. From then on the
// new key signs alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"

namespace dpi {

// The new key says that whoever rotates holds it, for this chain and no other.
[[nodiscard]] Signature sign_possession(const Uuid& instance, const SigningKey& next);

struct KeyRotation {
  Digest old_key_id{};
  PublicKey next;
  std::string reason;
};

// What the payload of a key.rotate in that chain says: exactly the contract's members, a key that
// is its id's, and a possession that it signed. Errors are Errc::verification, without a place.
[[nodiscard]] Result<KeyRotation> read_key_rotation(std::string_view payload, const Uuid& instance);

// The first key of a chain, as its chain.start announces it.
[[nodiscard]] std::optional<PublicKey> read_first_key(std::string_view payload);

}  // namespace dpi
