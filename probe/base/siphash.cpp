#include "probe/base/siphash.h"

#include <algorithm>
#include <array>
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

// Eight bytes, the first one lowest. Written out: the compiler makes one load of it.
std::uint64_t little_endian(const std::uint8_t* b) noexcept {
  return std::uint64_t{b[0]} | std::uint64_t{b[1]} << 8U | std::uint64_t{b[2]} << 16U |
         std::uint64_t{b[3]} << 24U | std::uint64_t{b[4]} << 32U | std::uint64_t{b[5]} << 40U |
         std::uint64_t{b[6]} << 48U | std::uint64_t{b[7]} << 56U;
}

}  // namespace

std::uint64_t siphash(HashSeed seed, Bytes data) noexcept {
  State s{seed.k0 ^ 0x736f6d6570736575U, seed.k1 ^ 0x646f72616e646f6dU,
          seed.k0 ^ 0x6c7967656e657261U, seed.k1 ^ 0x7465646279746573U};
  const std::uint8_t* at = data.data();
  const std::uint8_t* const whole_end = at + data.size() / 8 * 8;
  for (; at != whole_end; at += 8) s.absorb(little_endian(at));
  std::array<std::uint8_t, 8> last{};
  std::copy_n(at, data.size() % 8, last.begin());
  last[7] = static_cast<std::uint8_t>(data.size());
  s.absorb(little_endian(last.data()));
  s.v2 ^= 0xffU;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace dpi
