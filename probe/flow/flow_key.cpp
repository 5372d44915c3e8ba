#include "probe/flow/flow_key.h"

#include <algorithm>

#include "probe/base/hex.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

constexpr int no_counterpart = -1;

// The answering type of a request and the reverse, as Community ID v1 lists them.
int icmp_counterpart(std::uint8_t type) noexcept {
  switch (type) {
    case 0:
      return 8;
    case 8:
      return 0;
    case 9:
      return 10;
    case 10:
      return 9;
    case 13:
      return 14;
    case 14:
      return 13;
    case 15:
      return 16;
    case 16:
      return 15;
    case 17:
      return 18;
    case 18:
      return 17;
    default:
      return no_counterpart;
  }
}

int icmpv6_counterpart(std::uint8_t type) noexcept {
  switch (type) {
    case 128:
      return 129;
    case 129:
      return 128;
    case 130:
      return 131;
    case 131:
      return 130;
    case 133:
      return 134;
    case 134:
      return 133;
    case 135:
      return 136;
    case 136:
      return 135;
    case 139:
      return 140;
    case 140:
      return 139;
    case 144:
      return 145;
    case 145:
      return 144;
    default:
      return no_counterpart;
  }
}

int counterpart(std::uint8_t protocol, std::uint8_t type) noexcept {
  return protocol == ip_protocol::icmp ? icmp_counterpart(type) : icmpv6_counterpart(type);
}

bool is_icmp(std::uint8_t protocol) noexcept {
  return protocol == ip_protocol::icmp || protocol == ip_protocol::icmpv6;
}

std::uint64_t hash(HashSeed seed, const FlowKey& key) noexcept {
  const std::uint8_t* const low = key.low.address.bytes.data();
  const std::uint8_t* const high = key.high.address.bytes.data();
  const std::uint64_t rest = std::uint64_t{key.low.port} << 48U |
                             std::uint64_t{key.high.port} << 32U |
                             std::uint64_t{key.protocol} << 8U | (key.low.address.v6 ? 6U : 4U);
  // Most traffic is IPv4, whose addresses fill four of their sixteen bytes.
  if (!key.low.address.v6 && !key.high.address.v6) {
    std::array<std::uint8_t, 8> both{};
    std::copy_n(low, 4, both.begin());
    std::copy_n(high, 4, both.begin() + 4);
    return siphash(seed, std::array{word_at(both.data()), rest});
  }
  return siphash(
      seed, std::array{word_at(low), word_at(low + 8), word_at(high), word_at(high + 8), rest});
}

}  // namespace

bool is_one_way_icmp(std::uint8_t protocol, std::uint8_t type) noexcept {
  return is_icmp(protocol) && counterpart(protocol, type) == no_counterpart;
}

PortPair flow_ports(const PacketView& view) noexcept {
  if (!is_icmp(view.protocol)) return {view.src_port, view.dst_port};
  if (!view.has_transport) return {};
  const int answer = counterpart(view.protocol, view.icmp_type);
  const auto second =
      static_cast<std::uint16_t>(answer == no_counterpart ? view.icmp_code : answer);
  return {view.icmp_type, second};
}

std::uint64_t tagged_vlan_key(const PacketView& view) noexcept {
  constexpr std::size_t tags_max = 4;
  std::uint64_t key = 0;
  for (const std::uint16_t id :
       view.vlan_ids.view().first(std::min<std::size_t>(view.vlan_ids.count, tags_max))) {
    if (id != 0) key = key << 13U | 0x1000U | id;  // 0: a priority, no VLAN (IEEE 802.1Q §6.9.1)
  }
  return key;
}

DirectedKey make_key(const PacketView& view, PortPair ports, KeyScope scope,
                     HashSeed seed) noexcept {
  const Endpoint src{view.src, ports.src};
  const Endpoint dst{view.dst, ports.dst};
  const bool in_order = src <= dst;
  DirectedKey out{{in_order ? src : dst, in_order ? dst : src, view.protocol},
                  in_order ? Side::low : Side::high,
                  0};
  out.hash = hash(seed, out.key);
  if (scope.vlan) out.key.vlan = vlan_key(view);
  if (scope.tunnel) {
    out.key.tunnel = static_cast<std::uint64_t>(view.tunnel.type) << 32U | view.tunnel.id;
  }
  return out;
}

ShortText<30> community_id(const Endpoint& src, const Endpoint& dst, std::uint8_t protocol,
                           bool one_way) {
  const bool swap = !one_way && dst < src;
  const Endpoint& first = swap ? dst : src;
  const Endpoint& second = swap ? src : dst;
  std::array<std::uint8_t, 40> data{};  // seed 0, two addresses, protocol, padding, two ports
  auto at = data.begin() + 2;
  for (const Endpoint* end : {&first, &second}) at = std::ranges::copy(end->address.wire(), at).out;
  *at = protocol;
  at += 2;
  const bool has_ports = is_icmp(protocol) || protocol == ip_protocol::tcp ||
                         protocol == ip_protocol::udp || protocol == ip_protocol::sctp;
  if (has_ports) {
    for (const Endpoint* end : {&first, &second}) {
      *at++ = static_cast<std::uint8_t>(end->port >> 8U);
      *at++ = static_cast<std::uint8_t>(end->port & 0xffU);
    }
  }
  ShortText<30> out;
  out.push_back('1');
  out.push_back(':');
  append_base64(out, sha1(Bytes{data}.first(static_cast<std::size_t>(at - data.begin()))));
  return out;
}

}  // namespace dpi
