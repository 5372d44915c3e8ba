// The file of a signing key. It holds one; while a rotation is under way two: the key that is
// replaced and, behind it, the one that goes on with the chain. Which of them signs is not said
// here but by the chain, so no crash between the two can part them. Each change replaces the whole
// file at once.
#pragma once

#include <cstddef>
#include <filesystem>

#include "probe/base/result.h"
#include "probe/crypto/signing_key.h"

namespace dpi {

inline constexpr std::size_t key_file_keys_max = 2;

// A new random key behind the one that is there; its public half. Errc::usage when there are two
// already.
[[nodiscard]] Result<PublicKey> add_next_key(const std::filesystem::path& path);
// The newer one alone stays, if it is still that one. Nothing is done when there is one only.
[[nodiscard]] Result<void> drop_replaced_key(const std::filesystem::path& path,
                                             const PublicKey& stays);

}  // namespace dpi
