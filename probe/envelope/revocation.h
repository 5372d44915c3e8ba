// Keys that prove nothing from a sequence on. By sequence, not by time: a clock that is set back
// revives no key. Whoever verifies says which; a chain cannot, for it would be signed by that key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"

namespace dpi {

class Revocations {
 public:
  // Said more than once, the earliest sequence counts: what was declared unproven stays so.
  void add(const Digest& key_id, std::uint64_t from_seq);
  [[nodiscard]] std::optional<std::uint64_t> from(const Digest& key_id) const;
  // A checkpoint says something of the last event that it covers, and was signed when that was
  // there. Errc::verification when the key proves nothing of that event.
  [[nodiscard]] Result<void> require_in_force(const PublicKey& key, std::uint64_t tree_size) const;

 private:
  std::map<Digest, std::uint64_t> from_;
};

}  // namespace dpi
