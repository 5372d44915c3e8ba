// SHA-256 (chain, Merkle tree, keys), and the digests that published fingerprints are made with
// (SHA-1 for Community ID, MD5 for JA3 and HASSH). One hasher belongs to one thread.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"

namespace dpi {

class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(Bytes data);
  // The digest of everything since construction or the last finish().
  [[nodiscard]] Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Of the parts one after another; the caller sees to it that their border is unambiguous.
[[nodiscard]] Digest sha256(std::initializer_list<Bytes> parts);
[[nodiscard]] std::array<std::uint8_t, 20> sha1(Bytes data);
[[nodiscard]] std::array<std::uint8_t, 16> md5(Bytes data);

// HKDF-SHA-256 (RFC 5869) without salt.
[[nodiscard]] Digest hkdf_sha256(Bytes key_material, Bytes info);

// From the operating system; for ids, never for anything that replay must repeat.
void random_bytes(std::span<std::uint8_t> out);
[[nodiscard]] Uuid random_uuid();

// Of the OpenSSL that runs, "3.0.17".
[[nodiscard]] std::string openssl_version();

}  // namespace dpi
