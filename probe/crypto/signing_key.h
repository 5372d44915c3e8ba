// Ed25519 (RFC 8032) keys: the private half signs checkpoints and nothing else; the public half
// verifies.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/base/result.h"

// OpenSSL's EVP_PKEY and EVP_MD_CTX, of which only the implementation knows more.
struct evp_pkey_st;
struct evp_md_ctx_st;

namespace dpi {

using Signature = std::array<std::uint8_t, 64>;

class PublicKey {
 public:
  // SubjectPublicKeyInfo in DER (RFC 8410); nothing for any other algorithm or length.
  [[nodiscard]] static std::optional<PublicKey> from_spki(Bytes der);
  [[nodiscard]] static Result<PublicKey> read_pem(const std::filesystem::path& path);
  // Every key of a PEM bundle: a trust file.
  [[nodiscard]] static Result<std::vector<PublicKey>> read_pem_bundle(
      const std::filesystem::path& path);

  [[nodiscard]] bool verify(Bytes message, const Signature& signature) const;
  [[nodiscard]] const std::array<std::uint8_t, 32>& raw() const noexcept { return raw_; }
  [[nodiscard]] ByteBuffer spki() const;
  [[nodiscard]] std::string pem() const;
  // SHA-256 of the SPKI: the key's name everywhere.
  [[nodiscard]] Digest key_id() const;

 private:
  friend class SigningKey;
  explicit PublicKey(const std::array<std::uint8_t, 32>& raw) : raw_(raw) {}
  std::array<std::uint8_t, 32> raw_;
};

// One thread signs at a time.
class SigningKey {
 public:
  // The keys of a file (key_file.h), the newest last: PKCS#8 PEM that only its owner can read;
  // refused when it is a symbolic link, readable by others or owned by somebody else. Errors are
  // Errc::usage and name the remedy.
  [[nodiscard]] static Result<std::vector<SigningKey>> read_all(const std::filesystem::path& path);
  // The newest of them.
  [[nodiscard]] static Result<SigningKey> read(const std::filesystem::path& path);
  // A new random key, written with mode 0400; never replaces a file.
  [[nodiscard]] static Result<SigningKey> generate(const std::filesystem::path& path);
  [[nodiscard]] static SigningKey random();
  [[nodiscard]] static SigningKey from_seed(const Digest& seed);

  // PKCS#8 PEM, the private half with it, to an open file. False: errno says why.
  [[nodiscard]] bool write(int fd) const;
  [[nodiscard]] Signature sign(Bytes message) const;
  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_; }

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const noexcept;
  };
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  SigningKey(evp_pkey_st* key, const PublicKey& pub);
  std::unique_ptr<evp_pkey_st, FreeKey> key_;
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;
  PublicKey public_;
};

}  // namespace dpi
