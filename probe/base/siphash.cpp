#include "probe/base/siphash.h"

namespace dpi {
namespace {

std::uint64_t little_endian(const std::uint8_t* bytes) noexcept {
  const std::uint64_t word = word_at(bytes);
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

}  // namespace

std::uint64_t siphash(HashSeed seed, Bytes data) noexcept {
  SipState state{seed};
  const auto size = static_cast<std::uint64_t>(data.size());
  for (; data.size() >= 8; data = data.subspan(8)) state.absorb(little_endian(data.data()));
  std::array<std::uint8_t, 8> last{};
  if (!data.empty()) std::memcpy(last.data(), data.data(), data.size());
  last[7] = static_cast<std::uint8_t>(size);
  state.absorb(little_endian(last.data()));
  return state.finish();
}

}  // namespace dpi
