// QUIC Initial packets as tests send them. Test code only.
#pragma once

#include <openssl/evp.h>

#include "probe/base/check.h"
#include "probe/metadata/quic_session.h"
#include "tests/support/tls.h"

namespace dpi::test {

inline ByteBuffer crypto_frame(std::size_t offset, const ByteBuffer& data) {
  return u8(6) + be16(static_cast<unsigned>(0x4000U | offset)) +
         be16(static_cast<unsigned>(0x4000U | data.size())) + data;
}

struct Initial {
  std::uint32_t version = 1;
  ByteBuffer destination;
  ByteBuffer source;
  ByteBuffer key_id;  // the connection id that the keys follow from
  bool client = true;
  std::uint8_t number = 0;
  std::uint32_t salt_of = 0;  // 0: that version's
};

// RFC 9001 §5: sealed with AES-128-GCM, header protected; a packet number of one byte.
inline ByteBuffer sealed_initial(const Initial& h, const ByteBuffer& frames) {
  const QuicVersion* version = find_quic_version(h.salt_of != 0 ? h.salt_of : h.version);
  const QuicInitialKeys keys = quic_initial_keys(*version, h.key_id, h.client);
  const bool v2 = find_quic_version(h.version)->v2_labels;
  const std::size_t length = 1 + frames.size() + gcm_tag_bytes;
  ByteBuffer packet = u8(v2 ? 0xd0 : 0xc0) + be32(h.version) + with_length8(h.destination) +
                      with_length8(h.source) + u8(0) +
                      be16(static_cast<unsigned>(0x4000U | length)) + u8(h.number);
  const std::size_t header_bytes = packet.size();
  GcmNonce nonce = keys.iv;
  nonce[11] ^= h.number;
  ByteBuffer sealed(frames.size() + gcm_tag_bytes);
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  int n = 0;
  DPI_CHECK(
      EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, keys.key.data(), nonce.data()) == 1);
  DPI_CHECK(
      EVP_EncryptUpdate(context, nullptr, &n, packet.data(), static_cast<int>(packet.size())) == 1);
  DPI_CHECK(EVP_EncryptUpdate(context, sealed.data(), &n, frames.data(),
                              static_cast<int>(frames.size())) == 1);
  DPI_CHECK(EVP_EncryptFinal_ex(context, sealed.data() + n, &n) == 1);
  DPI_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, gcm_tag_bytes,
                                sealed.data() + frames.size()) == 1);
  EVP_CIPHER_CTX_free(context);
  packet = packet + sealed;
  AesBlock sample{};
  std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(header_bytes - 1 + 4), sample.size(),
              sample.begin());
  const AesBlock mask = aes128_encrypt_block(keys.header, sample);
  packet[0] = static_cast<std::uint8_t>(packet[0] ^ (mask[0] & 0x0fU));
  packet[header_bytes - 1] ^= mask[1];
  return packet;
}

}  // namespace dpi::test
