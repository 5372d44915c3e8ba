#include "probe/crypto/packet_protection.h"

#include <openssl/evp.h>

#include <algorithm>

#include "probe/base/check.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

constexpr std::size_t hash_block_bytes = 64;  // of SHA-256
constexpr std::size_t label_bytes_max = 64;

// An algorithm, fetched once for the process, with a context of each thread (crypto(7): looking one
// up at every use costs more than a packet).
class Cipher {
 public:
  explicit Cipher(const char* name)
      : cipher_(EVP_CIPHER_fetch(nullptr, name, nullptr)), context_(EVP_CIPHER_CTX_new()) {
    DPI_CHECK(cipher_ != nullptr && context_ != nullptr);
  }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;
  ~Cipher() {
    EVP_CIPHER_CTX_free(context_);
    EVP_CIPHER_free(cipher_);
  }
  [[nodiscard]] const EVP_CIPHER* cipher() const noexcept { return cipher_; }
  [[nodiscard]] EVP_CIPHER_CTX* context() const noexcept { return context_; }

 private:
  EVP_CIPHER* cipher_;
  EVP_CIPHER_CTX* context_;
};

}  // namespace

// RFC 2104.
Digest hmac_sha256(Bytes key, Bytes data) {
  std::array<std::uint8_t, hash_block_bytes> inner{};
  if (key.size() > hash_block_bytes) {
    const Digest hashed = sha256({key});
    std::copy(hashed.begin(), hashed.end(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  std::array<std::uint8_t, hash_block_bytes> outer = inner;
  for (std::uint8_t& b : inner) b ^= 0x36U;
  for (std::uint8_t& b : outer) b ^= 0x5cU;
  const Digest digest = sha256({inner, data});
  return sha256({outer, digest});
}

void hkdf_expand_label(const Digest& secret, std::string_view label, std::span<std::uint8_t> out) {
  DPI_CHECK(out.size() <= secret.size() && label.size() <= label_bytes_max);
  constexpr std::string_view prefix = "tls13 ";
  // struct HkdfLabel, and behind it the counter of HKDF's first and only block.
  std::array<std::uint8_t, 3 + prefix.size() + label_bytes_max + 2> info{};
  info[1] = static_cast<std::uint8_t>(out.size());
  info[2] = static_cast<std::uint8_t>(prefix.size() + label.size());
  auto end = std::copy(prefix.begin(), prefix.end(), info.begin() + 3);
  end = std::copy(label.begin(), label.end(), end);
  *end++ = 0;  // length of the context
  *end++ = 1;
  const Bytes used = Bytes{info}.first(static_cast<std::size_t>(end - info.begin()));
  const Digest block = hmac_sha256(secret, used);
  std::copy_n(block.begin(), out.size(), out.begin());
}

AesBlock aes128_encrypt_block(const AesKey& key, const AesBlock& block) {
  thread_local const Cipher ecb("AES-128-ECB");
  AesBlock out{};
  int length = 0;
  DPI_CHECK(EVP_EncryptInit_ex2(ecb.context(), ecb.cipher(), key.data(), nullptr, nullptr) == 1 &&
            EVP_CIPHER_CTX_set_padding(ecb.context(), 0) == 1 &&
            EVP_EncryptUpdate(ecb.context(), out.data(), &length, block.data(),
                              static_cast<int>(block.size())) == 1);
  return out;
}

bool aes128_gcm_open(const AesKey& key, const GcmNonce& nonce, Bytes associated, Bytes sealed,
                     std::span<std::uint8_t> out) {
  DPI_CHECK(sealed.size() >= gcm_tag_bytes && out.size() == sealed.size() - gcm_tag_bytes);
  thread_local const Cipher gcm("AES-128-GCM");
  const Bytes text = sealed.first(out.size());
  std::array<std::uint8_t, gcm_tag_bytes> tag{};
  std::copy(sealed.end() - static_cast<std::ptrdiff_t>(tag.size()), sealed.end(), tag.begin());
  int length = 0;
  DPI_CHECK(EVP_DecryptInit_ex2(gcm.context(), gcm.cipher(), key.data(), nonce.data(), nullptr) ==
            1);
  if (EVP_DecryptUpdate(gcm.context(), nullptr, &length, associated.data(),
                        static_cast<int>(associated.size())) != 1 ||
      EVP_DecryptUpdate(gcm.context(), out.data(), &length, text.data(),
                        static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(gcm.context(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                          tag.data()) != 1) {
    return false;
  }
  return EVP_DecryptFinal_ex(gcm.context(), out.data() + length, &length) == 1;
}

}  // namespace dpi
