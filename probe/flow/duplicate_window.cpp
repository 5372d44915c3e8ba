#include "probe/flow/duplicate_window.h"

#include <algorithm>
#include <cstring>

#include "probe/base/siphash.h"
#include "probe/flow/flow_key.h"

namespace dpi {
namespace {

constexpr std::size_t compared_bytes = 96;
constexpr std::size_t ipv4_headers_bytes = 40, ipv6_headers_bytes = 60;

__extension__ using Wide = unsigned __int128;

// Two words into one, every bit of both into all of it (folded multiplication).
std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const Wide product =
      Wide{a ^ 0x9e3779b97f4a7c15U} * (b ^ 0xd1b54a32d192ed03U);  // odd, of irregular bits
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

// Of the IP header without TTL and checksum, the transport header and the first bytes behind it;
// the transport checksum stands for the rest. Of what the capture cut only the headers: a tag more
// leaves less of the same packet. 0: no header to compare (a fragment that was held back). No
// secret: equal packets must be found in every run, and what a made-up collision gains is a wrong
// count.
std::uint64_t digest_of(const PacketView& view, std::uint64_t scope) noexcept {
  std::size_t size = std::min(view.l3.size(), compared_bytes);
  if (size < 20) return 0;
  if (size < std::min<std::size_t>(view.ip_bytes, compared_bytes))
    size = std::min(size, view.ip_version == 4 ? ipv4_headers_bytes : ipv6_headers_bytes);
  std::array<std::uint8_t, compared_bytes> bytes;  // NOLINT: as much of it is read as is written
  const std::size_t read = (size + 15) / 16 * 16;
  if (size == compared_bytes) {  // mostly
    std::memcpy(bytes.data(), view.l3.data(), compared_bytes);
  } else {
    std::memcpy(bytes.data(), view.l3.data(), size);
    std::memset(bytes.data() + size, 0, read - size);
  }
  if (view.ip_version == 4) {
    bytes[8] = 0;               // TTL
    bytes[10] = bytes[11] = 0;  // header checksum
  } else {
    bytes[7] = 0;  // hop limit
  }
  std::uint64_t digest = mix(view.ip_bytes, scope);
  for (std::size_t at = 0; at < read; at += 16)
    digest = mix(digest ^ word_at(&bytes[at]), word_at(&bytes[at + 8]));
  return digest == 0 ? 1 : digest;
}

// All VLANs count: a path that differs in an inner tag differs inside a common outer one too.
std::uint32_t path_of(const PacketView& view) noexcept {
  constexpr std::uint64_t spread = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  const auto vlans = static_cast<std::uint32_t>(vlan_key(view) * spread >> 40U);
  return vlans << 8U | view.ttl;
}

// Its sender numbers it: nothing else that it sends is equal.
bool is_numbered(const PacketView& view) noexcept {
  if (view.fragment.present || view.protocol == ip_protocol::esp) return true;
  if (view.ip_version == 4 && (view.l3[4] != 0 || view.l3[5] != 0)) return true;
  // RFC 6298 §2.4: what occupies sequence numbers is sent again after a second, in practice 200 ms.
  return view.protocol == ip_protocol::tcp && view.has_transport &&
         (view.payload_bytes > 0 || (view.tcp.flags & (tcp_flag::syn | tcp_flag::fin)) != 0);
}

// One datagram around both; without a number of its own, one that has changed on the way or was
// put around or taken off there.
bool carried_as_copy(const Carrier& one, const Carrier& other) noexcept {
  return one.id != 0 && other.id != 0 ? one.id == other.id : one.ttl != other.ttl;
}

}  // namespace

bool DuplicateWindow::seen(const PacketView& view, std::uint64_t scope, Timestamp time) noexcept {
  const std::uint64_t digest = digest_of(view, scope);
  if (digest == 0) return false;
  const std::uint32_t path = path_of(view);
  Set& set = sets_[digest & (sets_.size() - 1)];
  Recent* oldest = set.data();
  for (Recent& recent : set) {
    if (recent.digest == digest) {
      if (time - recent.time <= span && (path != recent.path || is_numbered(view) ||
                                         carried_as_copy(recent.carrier, view.carrier)))
        return true;
      recent = {digest, time, path, view.carrier};
      return false;
    }
    if (recent.digest == 0 || (oldest->digest != 0 && recent.time < oldest->time)) oldest = &recent;
  }
  *oldest = {digest, time, path, view.carrier};
  return false;
}

void DuplicateWindow::shift(Nanoseconds delta) noexcept {
  for (Set& set : sets_) {
    for (Recent& recent : set) recent.time += delta;
  }
}

void DuplicateWindow::forget() noexcept {
  std::fill(sets_.begin(), sets_.end(), Set{});
}

}  // namespace dpi
