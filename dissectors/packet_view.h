// What one packet says, after all its headers: the decoder's whole result. Spans point into the
// frame.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dissectors/anomaly.h"
#include "probe/base/bytes.h"
#include "probe/base/ip_address.h"
#include "probe/base/time.h"

namespace dpi {

// IANA protocol numbers that the code names.
namespace ip_protocol {
inline constexpr std::uint8_t hop_by_hop = 0, icmp = 1, ipip = 4, tcp = 6, udp = 17, dccp = 33,
                              ipv6 = 41, routing = 43, fragment = 44, gre = 47, esp = 50, ah = 51,
                              icmpv6 = 58, no_next_header = 59, destination_options = 60,
                              etherip = 97, pim = 103, l2tp = 115, sctp = 132, udplite = 136,
                              mpls = 137, ethernet = 143;
}  // namespace ip_protocol

namespace tcp_flag {
inline constexpr std::uint8_t fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32;
}  // namespace tcp_flag

// Shims and tunnels, as `encapsulations` and `tunnel_type` name them.
enum class Encapsulation : std::uint8_t {
  none,
  vlan,  // 802.1Q
  qinq,  // 802.1ad service tag
  vntag,
  mpls,
  pppoe,
  nsh,
  gre,
  nvgre,
  erspan,
  vxlan,
  geneve,
  gtpu,
  ipip,
  sixin4,
  fourin6,
  sixin6,
  teredo,
  l2tp,
  ah,
  etherip,
  capwap,
  tzsp,
  ieee80211,
  pbb,
  etag,
  isl,
  cisco_metadata,
  macsec,
  hsr,
  trill,
  fabricpath,
  vxlan_gpe,
  lisp,
  ayiya,
  l2tpv3,
  lwapp,
  wccp,
  pim_register,
  ethernet_in_ip,
  count_,
};
[[nodiscard]] std::string_view encapsulation_name(Encapsulation encapsulation) noexcept;

inline constexpr std::size_t encapsulations_max = 16;
inline constexpr std::size_t vlan_ids_max = 8;

template <class T, std::size_t capacity>
struct FixedList {
  std::array<T, capacity> items{};
  std::uint8_t count = 0;

  bool push(T item) noexcept {
    if (count == capacity) return false;
    items[count++] = item;
    return true;
  }
  [[nodiscard]] std::span<const T> view() const noexcept {
    return std::span<const T>{items}.first(count);
  }
};

struct Tunnel {
  Encapsulation type = Encapsulation::none;  // innermost tunnel with an IP header outside
  bool has_id = false;
  std::uint32_t id = 0;  // GRE key, VNI, TEID, session
  IpAddress src;
  IpAddress dst;
};

// Where this packet lies in its datagram (RFC 791 §3.2, RFC 8200 §4.5).
struct Fragment {
  bool present = false;
  bool more = false;
  std::uint32_t id = 0;
  std::uint32_t offset_bytes = 0;
  // The piece itself: what the header that fragments carries, AH and options of the first piece
  // included.
  std::uint8_t protocol = 0;
  Bytes data;               // captured part
  std::uint32_t bytes = 0;  // the same by the IP length
};

// The first fragment of a tunnel's outer datagram: the frame counts by the header inside, and this
// tells under which ports the datagram's later fragments do.
struct OuterFragment {
  Fragment fragment;
  IpAddress src;
  IpAddress dst;
  std::uint8_t ip_version = 0;
  std::uint8_t protocol = 0;
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  Bytes l4;
  std::uint32_t l4_bytes = 0;
};

// The IP header around a tunnel nearest to what is counted: what tells its copies apart when what
// is inside does not (0: there is none, or it has no identification).
struct Carrier {
  std::uint16_t id = 0;  // of a fragment over IPv6 its low half
  std::uint8_t ttl = 0;
  auto operator<=>(const Carrier&) const = default;
};

struct TcpHeader {
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;
};

// Whether a checksum of the counted IP header or of what it carries is right; unknown: not looked
// at, not all of it captured, or none of that kind.
enum class Checksum : std::uint8_t {
  unknown,
  right,
  wrong,
  left_out,  // the pseudo-header's sum alone: the network card was to do the rest, or has merged
};
[[nodiscard]] constexpr bool is_bad(Checksum checksum) noexcept {
  return checksum == Checksum::wrong || checksum == Checksum::left_out;
}

struct PacketView {
  Timestamp time{};
  std::uint64_t frame = 0;  // RawPacket::frame
  std::uint32_t wire_bytes = 0;
  bool cut = false;             // captured less than was on the wire
  bool link_broadcast = false;  // the frame went to everybody on the link
  Checksum checksum = Checksum::unknown;

  // The counted IP header: the innermost one reached.
  std::uint8_t ip_version = 0;  // 0: no IP header reached
  std::uint8_t protocol = 0;    // behind extension headers and AH
  std::uint8_t ttl = 0;
  IpAddress src;
  IpAddress dst;
  std::uint32_t ip_bytes = 0;  // IPv4 total length, IPv6 payload length + 40
  Bytes l3;                    // that header and what follows it, captured part
  Bytes l4;                    // from the transport header on, captured part
  std::uint32_t l4_bytes = 0;  // the same by the IP length
  Fragment fragment;
  OuterFragment outer;  // outer.fragment.present: a tunnel was opened in a first fragment
  Carrier carrier;

  // Transport; has_transport is false for later fragments and cut headers.
  bool has_transport = false;
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  TcpHeader tcp;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  Bytes payload;                    // behind the transport header, captured part
  std::uint32_t payload_bytes = 0;  // the same by the IP length

  FixedList<std::uint16_t, vlan_ids_max> vlan_ids;
  FixedList<Encapsulation, encapsulations_max> encapsulations;
  Tunnel tunnel;
  AnomalySet anomalies;
};

}  // namespace dpi
