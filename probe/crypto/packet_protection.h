// What reading protected packets needs: HKDF over HMAC-SHA-256 (RFC 5869) with TLS 1.3's labels,
// one AES-128 block, and AES-128-GCM. Functions of their arguments; each thread keeps its own
// contexts, algorithms are fetched once.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"

namespace dpi {

using AesKey = std::array<std::uint8_t, 16>;
using AesBlock = std::array<std::uint8_t, 16>;
using GcmNonce = std::array<std::uint8_t, 12>;
inline constexpr std::size_t gcm_tag_bytes = 16;

[[nodiscard]] Digest hmac_sha256(Bytes key, Bytes data);
[[nodiscard]] inline Digest hkdf_extract(Bytes salt, Bytes key_material) {
  return hmac_sha256(salt, key_material);
}
// HKDF-Expand-Label with an empty context (RFC 8446 §7.1); out is at most 32 bytes long, label at
// most 64.
void hkdf_expand_label(const Digest& secret, std::string_view label, std::span<std::uint8_t> out);

[[nodiscard]] AesBlock aes128_encrypt_block(const AesKey& key, const AesBlock& block);
// Opens ciphertext ‖ tag into out, which is gcm_tag_bytes shorter; false: not authentic, and out
// means nothing.
[[nodiscard]] bool aes128_gcm_open(const AesKey& key, const GcmNonce& nonce, Bytes associated,
                                   Bytes sealed, std::span<std::uint8_t> out);

}  // namespace dpi
