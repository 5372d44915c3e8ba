#include "probe/base/siphash.h"

#include <bit>

namespace dpi {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

std::uint64_t little_endian(Bytes bytes) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) word |= std::uint64_t{bytes[i]} << (8U * i);
  return word;
}

}  // namespace

std::uint64_t siphash(HashSeed seed, Bytes data) noexcept {
  State s{seed.k0 ^ 0x736f6d6570736575U, seed.k1 ^ 0x646f72616e646f6dU,
          seed.k0 ^ 0x6c7967656e657261U, seed.k1 ^ 0x7465646279746573U};
  const std::size_t whole = data.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) s.absorb(little_endian(data.subspan(i, 8)));
  s.absorb(little_endian(data.subspan(whole)) | std::uint64_t{data.size() & 0xffU} << 56U);
  s.v2 ^= 0xffU;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace dpi
