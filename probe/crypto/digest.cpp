#include "probe/crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "probe/base/check.h"

namespace dpi {
namespace {

// Fetched once: EVP_sha256() looks the implementation up at every use (OpenSSL 3, crypto(7)).
const EVP_MD* fetched_sha256() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

// A context that one algorithm uses again and again.
class Hasher {
 public:
  explicit Hasher(const EVP_MD* md) : context_(EVP_MD_CTX_new()) {
    DPI_CHECK(EVP_DigestInit_ex2(context_, md, nullptr) == 1);
  }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher() { EVP_MD_CTX_free(context_); }

  void update(Bytes data) { DPI_CHECK(EVP_DigestUpdate(context_, data.data(), data.size()) == 1); }
  // And begins anew.
  void finish(std::uint8_t* out) {
    DPI_CHECK(EVP_DigestFinal_ex(context_, out, nullptr) == 1);
    DPI_CHECK(EVP_DigestInit_ex2(context_, nullptr, nullptr) == 1);
  }

 private:
  EVP_MD_CTX* context_;
};

template <std::size_t size>
std::array<std::uint8_t, size> one_shot(Hasher& hasher, Bytes data) {
  std::array<std::uint8_t, size> out{};
  hasher.update(data);
  hasher.finish(out.data());
  return out;
}

}  // namespace

struct Sha256::Impl {
  Hasher hasher{fetched_sha256()};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(Bytes data) {
  impl_->hasher.update(data);
}

Digest Sha256::finish() {
  Digest out{};
  impl_->hasher.finish(out.data());
  return out;
}

Digest sha256(std::initializer_list<Bytes> parts) {
  thread_local Sha256 hasher;
  for (const Bytes part : parts) hasher.update(part);
  return hasher.finish();
}

std::array<std::uint8_t, 20> sha1(Bytes data) {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  thread_local Hasher hasher{md};
  return one_shot<20>(hasher, data);
}

std::array<std::uint8_t, 16> md5(Bytes data) {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "MD5", nullptr);
  thread_local Hasher hasher{md};
  return one_shot<16>(hasher, data);
}

Digest hkdf_sha256(Bytes key_material, Bytes info) {
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr);
  Digest out{};
  std::size_t length = out.size();
  const bool done =
      context != nullptr && EVP_PKEY_derive_init(context) == 1 &&
      EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1 &&
      EVP_PKEY_CTX_set1_hkdf_key(context, key_material.data(),
                                 static_cast<int>(key_material.size())) == 1 &&
      EVP_PKEY_CTX_add1_hkdf_info(context, info.data(), static_cast<int>(info.size())) == 1 &&
      EVP_PKEY_derive(context, out.data(), &length) == 1;
  EVP_PKEY_CTX_free(context);
  DPI_CHECK(done && length == out.size());
  return out;
}

void random_bytes(std::span<std::uint8_t> out) {
  DPI_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

Uuid random_uuid() {
  Uuid out{};
  random_bytes(out);
  out[6] = static_cast<std::uint8_t>((out[6] & 0x0fU) | 0x40U);
  out[8] = static_cast<std::uint8_t>((out[8] & 0x3fU) | 0x80U);
  return out;
}

std::string openssl_version() {
  return ::OpenSSL_version(OPENSSL_VERSION_STRING);
}

}  // namespace dpi
