#include "dissectors/checksum.h"

#include <bit>
#include <cstring>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::uint16_t right = 0xffff;

// Adds with the carry that falls out at the top.
std::uint64_t add_around(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t sum = a + b;
  return sum + (sum < b ? 1U : 0U);
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
  std::uint64_t even = start;
  std::uint64_t odd = 0;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 16; left -= 16, at += 16) {
    std::uint64_t words[2];  // NOLINT: two registers
    std::memcpy(words, at, sizeof words);
    even = add_around(even, words[0]);
    odd = add_around(odd, words[1]);
  }
  even = add_around(even, odd);
  if (left >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    even = add_around(even, word);
    left -= 8;
    at += 8;
  }
  if (left > 0) {
    std::uint64_t word = 0;  // the bytes behind the last are zeros
    std::memcpy(&word, at, left);
    even = add_around(even, word);
  }
  return fold(even);
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
