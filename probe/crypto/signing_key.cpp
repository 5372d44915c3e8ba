#include "probe/crypto/signing_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "probe/base/check.h"
#include "probe/base/file_descriptor.h"
#include "probe/crypto/digest.h"
#include "probe/crypto/key_file.h"

namespace dpi {
namespace {

// RFC 8410 §4: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING } in front of the 32 key bytes.
constexpr std::array<std::uint8_t, 12> spki_prefix{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

struct KeyFree {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

struct BioFree {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextFree>;

std::optional<std::array<std::uint8_t, 32>> raw_public(EVP_PKEY* key) {
  std::array<std::uint8_t, 32> raw{};
  std::size_t length = raw.size();
  if (key == nullptr || EVP_PKEY_id(key) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key, raw.data(), &length) != 1 || length != raw.size()) {
    return std::nullopt;
  }
  return raw;
}

Key public_handle(const std::array<std::uint8_t, 32>& raw) {
  return Key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size())};
}

// Never asks on the terminal: an encrypted key is refused.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return -1;
}

struct PemBlock {
  std::string name;
  std::vector<std::uint8_t> der;

  PemBlock() = default;
  PemBlock(PemBlock&&) = default;
  PemBlock& operator=(PemBlock&&) = default;
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() { OPENSSL_cleanse(der.data(), der.size()); }
};

// Nothing: the error queue says whether that is the end.
std::optional<PemBlock> read_pem_block(BIO* bio) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  ERR_clear_error();
  if (PEM_read_bio(bio, &name, &header, &data, &length) != 1) return std::nullopt;
  PemBlock out;
  out.name = name;
  out.der.assign(data, data + length);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<std::size_t>(length));
  return out;
}

// Never asks on the terminal: an encrypted key is none.
Key private_key(const PemBlock& block) {
  if (block.name != "PRIVATE KEY") return nullptr;
  const unsigned char* at = block.der.data();
  return Key{d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(block.der.size()))};
}

Result<void> check_private_file(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return fail(Errc::usage, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(
        Errc::usage,
        fmt::format("{}: not a regular file; a signing key is a PKCS#8 PEM file", path.string()));
  }
  if ((status.st_mode & 077U) != 0) {
    return fail(Errc::usage,
                fmt::format("{}: others may read or write this signing key (mode {:04o}); make it "
                            "0400: chmod 0400 {}",
                            path.string(), status.st_mode & 07777U, path.string()));
  }
  if (status.st_uid != ::geteuid()) {
    return fail(Errc::usage,
                fmt::format("{}: this signing key belongs to user {}, the probe runs as {}; "
                            "chown it or run as its owner",
                            path.string(), status.st_uid, ::geteuid()));
  }
  return {};
}

}  // namespace

std::optional<PublicKey> PublicKey::from_spki(Bytes der) {
  if (der.size() != spki_prefix.size() + 32 ||
      !std::equal(spki_prefix.begin(), spki_prefix.end(), der.begin())) {
    return std::nullopt;
  }
  std::array<std::uint8_t, 32> raw{};
  std::copy(der.begin() + spki_prefix.size(), der.end(), raw.begin());
  return PublicKey{raw};
}

Result<std::vector<PublicKey>> PublicKey::read_pem_bundle(const std::filesystem::path& path) {
  const Bio bio{BIO_new_file(path.c_str(), "r")};
  if (!bio) {
    return fail(Errc::usage,
                fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno)));
  }
  std::vector<PublicKey> keys;
  while (const Key key{PEM_read_bio_PUBKEY(bio.get(), nullptr, &no_passphrase, nullptr)}) {
    const auto raw = raw_public(key.get());
    if (!raw)
      return fail(Errc::usage, fmt::format("{}: holds a key that is not Ed25519", path.string()));
    keys.push_back(PublicKey{*raw});
  }
  if (keys.empty()) {
    return fail(
        Errc::usage,
        fmt::format("{}: no PEM public key in it; `keys show --public` prints one", path.string()));
  }
  return keys;
}

Result<PublicKey> PublicKey::read_pem(const std::filesystem::path& path) {
  auto keys = read_pem_bundle(path);
  if (!keys) return tl::unexpected(keys.error());
  return keys->front();
}

bool PublicKey::verify(Bytes message, const Signature& signature) const {
  const Key key = public_handle(raw_);
  const Context context{EVP_MD_CTX_new()};
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

ByteBuffer PublicKey::spki() const {
  ByteBuffer der(spki_prefix.size() + raw_.size());
  std::copy(raw_.begin(), raw_.end(),
            std::copy(spki_prefix.begin(), spki_prefix.end(), der.begin()));
  return der;
}

std::string PublicKey::pem() const {
  return "-----BEGIN PUBLIC KEY-----\n" + base64(spki()) + "\n-----END PUBLIC KEY-----\n";
}

Digest PublicKey::key_id() const {
  return sha256({spki()});
}

void SigningKey::FreeContext::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

void SigningKey::FreeKey::operator()(evp_pkey_st* key) const noexcept {
  EVP_PKEY_free(key);
}

SigningKey::SigningKey(evp_pkey_st* key, const PublicKey& pub)
    : key_(key), context_(EVP_MD_CTX_new()), public_(pub) {
  DPI_CHECK(EVP_DigestSignInit(context_.get(), nullptr, nullptr, nullptr, key) == 1);
}

SigningKey SigningKey::from_seed(const Digest& seed) {
  Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size())};
  const auto raw = raw_public(key.get());
  DPI_CHECK(raw.has_value());
  return SigningKey{key.release(), PublicKey{*raw}};
}

Result<std::vector<SigningKey>> SigningKey::read_all(const std::filesystem::path& path) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (file.get() < 0) {
    const char* const why = errno == ELOOP ? "is a symbolic link, which a signing key may not be"
                                           : std::strerror(errno);
    return fail(Errc::usage, fmt::format("{}: {}; make a key with `ransomeye-dpi keys generate {}`",
                                         path.string(), why, path.string()));
  }
  if (auto checked = check_private_file(file.get(), path); !checked) {
    return tl::unexpected(checked.error());
  }
  const auto no_key = [&path] {
    return fail(Errc::usage,
                fmt::format("{}: not an unencrypted Ed25519 key in PKCS#8 PEM; make one with "
                            "`ransomeye-dpi keys generate FILE`",
                            path.string()));
  };
  const Bio bio{BIO_new_fd(file.get(), BIO_NOCLOSE)};
  std::vector<SigningKey> keys;
  while (const auto block = read_pem_block(bio.get())) {
    if (!block->name.ends_with("PRIVATE KEY")) continue;
    Key key = private_key(*block);
    const auto raw = raw_public(key.get());
    if (!raw) return no_key();
    if (keys.size() == key_file_keys_max) {
      return fail(Errc::usage,
                  fmt::format("{}: holds more than {} keys; of a rotation it holds the one that is "
                              "replaced and, behind it, the new one",
                              path.string(), key_file_keys_max));
    }
    keys.push_back(SigningKey{key.release(), PublicKey{*raw}});
  }
  // Behind the last one nothing begins any more; anything else is a key that is not whole.
  if (keys.empty() || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) return no_key();
  return keys;
}

Result<SigningKey> SigningKey::read(const std::filesystem::path& path) {
  auto keys = read_all(path);
  if (!keys) return tl::unexpected(keys.error());
  return std::move(keys->back());
}

SigningKey SigningKey::random() {
  Digest seed{};
  random_bytes(seed);
  return from_seed(seed);
}

bool SigningKey::write(int fd) const {
  const Bio bio{BIO_new_fd(fd, BIO_NOCLOSE)};
  return PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                       nullptr) == 1;
}

Result<SigningKey> SigningKey::generate(const std::filesystem::path& path) {
  SigningKey key = random();
  const FileDescriptor file{
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400)};
  if (file.get() < 0) {
    return fail(Errc::usage, fmt::format("{}: cannot create the key file: {}", path.string(),
                                         errno == EEXIST ? "it exists; a key is never overwritten"
                                                         : std::strerror(errno)));
  }
  if (!key.write(file.get()) || ::fsync(file.get()) != 0) {
    ::unlink(path.c_str());
    return fail(Errc::usage,
                fmt::format("{}: cannot write the key: {}", path.string(), std::strerror(errno)));
  }
  return key;
}

Signature SigningKey::sign(Bytes message) const {
  Signature out{};
  std::size_t length = out.size();
  // Begins anew with the same key: nothing is looked up or allocated.
  DPI_CHECK(EVP_DigestSignInit(context_.get(), nullptr, nullptr, nullptr, nullptr) == 1);
  DPI_CHECK(EVP_DigestSign(context_.get(), out.data(), &length, message.data(), message.size()) ==
            1);
  return out;
}

}  // namespace dpi
