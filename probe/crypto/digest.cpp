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

template <std::size_t size>
std::array<std::uint8_t, size> one_shot(Bytes data, const EVP_MD* md) {
  std::array<std::uint8_t, size> out{};
  unsigned length = 0;
  DPI_CHECK(EVP_Digest(data.data(), data.size(), out.data(), &length, md, nullptr) == 1);
  DPI_CHECK(length == size);
  return out;
}

}  // namespace

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  DPI_CHECK(EVP_DigestInit_ex2(impl_->context, fetched_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(Bytes data) {
  DPI_CHECK(EVP_DigestUpdate(impl_->context, data.data(), data.size()) == 1);
}

Digest Sha256::finish() {
  Digest out{};
  DPI_CHECK(EVP_DigestFinal_ex(impl_->context, out.data(), nullptr) == 1);
  DPI_CHECK(EVP_DigestInit_ex2(impl_->context, fetched_sha256(), nullptr) == 1);
  return out;
}

Digest sha256(std::initializer_list<Bytes> parts) {
  thread_local Sha256 hasher;
  for (const Bytes part : parts) hasher.update(part);
  return hasher.finish();
}

std::array<std::uint8_t, 20> sha1(Bytes data) {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return one_shot<20>(data, md);
}

std::array<std::uint8_t, 16> md5(Bytes data) {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return one_shot<16>(data, md);
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
