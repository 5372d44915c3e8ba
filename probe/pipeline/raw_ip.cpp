#include "probe/pipeline/raw_ip.h"

#include <algorithm>
#include <array>

namespace dpi {
namespace {

constexpr std::size_t ipv4_bytes = 20;
constexpr std::size_t ipv6_bytes = 40;

void put16(std::span<std::uint8_t> out, std::size_t at, std::size_t value) noexcept {
  out[at] = static_cast<std::uint8_t>(value >> 8U);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

// RFC 791 §3.1 without its checksum, which nobody asks for in a capture of ours.
void ipv4_header(const PacketView& view, std::span<std::uint8_t> out) noexcept {
  out[0] = 0x45;
  put16(out, 2, std::min<std::size_t>(ipv4_bytes + view.l4.size(), 0xffff));
  out[8] = view.ttl;
  out[9] = view.protocol;
  std::copy_n(view.src.bytes.begin(), 4, out.begin() + 12);
  std::copy_n(view.dst.bytes.begin(), 4, out.begin() + 16);
}

// RFC 8200 §3.
void ipv6_header(const PacketView& view, std::span<std::uint8_t> out) noexcept {
  out[0] = 0x60;
  put16(out, 4, std::min<std::size_t>(view.l4.size(), 0xffff));
  out[6] = view.protocol;
  out[7] = view.ttl;
  std::copy(view.src.bytes.begin(), view.src.bytes.end(), out.begin() + 8);
  std::copy(view.dst.bytes.begin(), view.dst.bytes.end(), out.begin() + 24);
}

}  // namespace

std::size_t write_raw_ip(const PacketView& view, std::span<std::uint8_t> out) noexcept {
  std::size_t header = 0;
  if (view.l3.empty()) {
    header = view.ip_version == 4 ? ipv4_bytes : ipv6_bytes;
    if (out.size() < header) return 0;
    std::fill_n(out.begin(), header, std::uint8_t{0});
    view.ip_version == 4 ? ipv4_header(view, out) : ipv6_header(view, out);
  }
  const Bytes rest = view.l3.empty() ? view.l4 : view.l3;
  const std::size_t size = std::min(rest.size(), out.size() - header);
  std::copy_n(rest.begin(), size, out.begin() + static_cast<std::ptrdiff_t>(header));
  return header + size;
}

}  // namespace dpi
