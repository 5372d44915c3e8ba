#include "probe/envelope/revocation.h"

#include <fmt/format.h>

#include <algorithm>

namespace dpi {

void Revocations::add(const Digest& key_id, std::uint64_t from_seq) {
  const auto [at, is_new] = from_.emplace(key_id, from_seq);
  if (!is_new) at->second = std::min(at->second, from_seq);
}

std::optional<std::uint64_t> Revocations::from(const Digest& key_id) const {
  const auto found = from_.find(key_id);
  return found == from_.end() ? std::nullopt : std::optional{found->second};
}

Result<void> Revocations::require_in_force(const PublicKey& key, std::uint64_t tree_size) const {
  const auto revoked = from(key.key_id());
  if (!revoked || tree_size <= *revoked) return {};
  return fail(Errc::verification,
              fmt::format("checkpoint over {} events is signed by key {}, which is revoked from "
                          "sequence {} on",
                          tree_size, hex(key.key_id()), *revoked));
}

}  // namespace dpi
