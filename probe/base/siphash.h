// SipHash-1-3 (Aumasson, Bernstein 2012): the keyed hash of every table whose keys an attacker
// chooses. One round a word and three at the end are what its authors hold enough for tables, of
// which no hash is ever shown.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "probe/base/bytes.h"

namespace dpi {

struct HashSeed {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// The hash while it is made.
class SipState {
 public:
  explicit SipState(HashSeed seed) noexcept
      : v0_(seed.k0 ^ 0x736f6d6570736575U),
        v1_(seed.k1 ^ 0x646f72616e646f6dU),
        v2_(seed.k0 ^ 0x6c7967656e657261U),
        v3_(seed.k1 ^ 0x7465646279746573U) {}

  void absorb(std::uint64_t word) noexcept {
    v3_ ^= word;
    round();
    v0_ ^= word;
  }
  [[nodiscard]] std::uint64_t finish() noexcept {
    v2_ ^= 0xffU;
    for (int i = 0; i < 3; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
  std::uint64_t v0_, v1_, v2_, v3_;
};

// Eight bytes as a number; of which order does not matter to a table.
[[nodiscard]] inline std::uint64_t word_at(const std::uint8_t* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

[[nodiscard]] std::uint64_t siphash(HashSeed seed, Bytes data) noexcept;

// Of words that a key is made of: the same as of their bytes.
template <std::size_t count>
[[nodiscard]] std::uint64_t siphash(HashSeed seed,
                                    const std::array<std::uint64_t, count>& words) noexcept {
  SipState state{seed};
  for (const std::uint64_t word : words) state.absorb(word);
  state.absorb(std::uint64_t{(count * sizeof(std::uint64_t)) & 0xffU} << 56U);
  return state.finish();
}

}  // namespace dpi
