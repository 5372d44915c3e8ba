#include "dissectors/checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <bit>
#include <cstring>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::uint16_t right = 0xffff;

// As it lies there.
template <class Word>
Word load(const std::uint8_t* at) noexcept {
  Word out = 0;
  std::memcpy(&out, at, sizeof out);
  return out;
}

// Adds with the carry that falls out at the top.
std::uint64_t add_around(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t sum = a + b;
  return sum + (sum < b ? 1U : 0U);
}

constexpr std::size_t block_bytes = 64;

// The same for a block of eight words. Of a long segment this is most of the work of a checksum:
// one instruction a word where the carry may stay in its flag (RFC 1071 §2.2).
std::uint64_t add_block(std::uint64_t sum, const std::uint8_t* at) noexcept {
#if defined(__x86_64__)
  const auto word = [at](std::size_t i) { return load<unsigned long long>(at + i * 8); };
  unsigned long long out = sum;
  unsigned char carry = _addcarry_u64(0, out, word(0), &out);
  carry = _addcarry_u64(carry, out, word(1), &out);
  carry = _addcarry_u64(carry, out, word(2), &out);
  carry = _addcarry_u64(carry, out, word(3), &out);
  carry = _addcarry_u64(carry, out, word(4), &out);
  carry = _addcarry_u64(carry, out, word(5), &out);
  carry = _addcarry_u64(carry, out, word(6), &out);
  carry = _addcarry_u64(carry, out, word(7), &out);
  return add_around(out, carry);
#else
  for (std::size_t i = 0; i < block_bytes; i += sizeof sum)
    sum = add_around(sum, load<std::uint64_t>(at + i));
  return sum;
#endif
}

std::uint16_t fold(std::uint64_t sum) noexcept {
  while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(sum);
}

// A number as its two bytes lie on the wire.
std::uint64_t wire16(std::uint32_t value) noexcept {
  const std::uint32_t swapped = (value & 0xffU) << 8U | (value >> 8U & 0xffU);
  return std::endian::native == std::endian::little ? swapped : value & 0xffffU;
}

// The pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1).
std::uint64_t pseudo_header(const PacketView& view, std::uint32_t length) noexcept {
  std::uint64_t sum = wire16(view.protocol) + wire16(length & 0xffffU) + wire16(length >> 16U);
  sum += ones_complement_sum(view.src.wire());
  return sum + ones_complement_sum(view.dst.wire());
}

}  // namespace

std::uint16_t ones_complement_sum(Bytes bytes, std::uint64_t start) noexcept {
  std::uint64_t sum = start;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= block_bytes; left -= block_bytes, at += block_bytes) sum = add_block(sum, at);
  for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t), at += sizeof(std::uint64_t))
    sum = add_around(sum, load<std::uint64_t>(at));
  if ((left & 4U) != 0) {
    sum = add_around(sum, load<std::uint32_t>(at));
    at += 4;
  }
  if ((left & 2U) != 0) {
    sum = add_around(sum, load<std::uint16_t>(at));
    at += 2;
  }
  if ((left & 1U) != 0)  // the byte behind it is zero
    sum = add_around(sum, wire16(std::uint32_t{*at} << 8U));
  return fold(sum);
}

Checksum transport_checksum(const PacketView& view) noexcept {
  constexpr std::size_t at_in_tcp = 16, at_in_udp = 6;
  const std::size_t plain_header = view.ip_version == 4 ? 20 : 40;
  // A datagram put together from fragments has no IP header of its own.
  const bool plain =
      view.l3.size() >= plain_header && view.l4.data() == view.l3.data() + plain_header;
  const bool whole =
      view.l4.size() == view.l4_bytes && view.has_transport && !view.fragment.present;
  if (!plain || !whole || has(view.anomalies, Anomaly::ip_length_zero)) return Checksum::unknown;
  Bytes segment = view.l4;
  std::size_t at = at_in_tcp;
  if (view.protocol == ip_protocol::udp) {
    at = at_in_udp;
    ByteCursor in(segment);
    in.skip(4);
    const std::uint16_t length = in.be16();
    const bool none = in.be16() == 0;  // RFC 768: the sender computed none
    if (none || length < 8 || length > segment.size()) return Checksum::unknown;
    segment = segment.first(length);
  } else if (view.protocol != ip_protocol::tcp) {
    return Checksum::unknown;
  }
  const std::uint64_t pseudo = pseudo_header(view, static_cast<std::uint32_t>(segment.size()));
  if (ones_complement_sum(segment, pseudo) == right) return Checksum::right;
  const bool left_out = ones_complement_sum(segment.subspan(at, 2)) == fold(pseudo);
  return left_out ? Checksum::left_out : Checksum::wrong;
}

Checksum checksum_of(const PacketView& view) noexcept {
  if (view.ip_version == 4 && !view.l3.empty()) {
    const std::size_t header = (view.l3[0] & 15U) * std::size_t{4};
    if (header <= view.l3.size() && ones_complement_sum(view.l3.first(header)) != right)
      return Checksum::wrong;
  }
  return transport_checksum(view);
}

}  // namespace dpi
