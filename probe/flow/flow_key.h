// The key of a bidirectional flow: protocol, two addresses, two ports, of the innermost IP header;
// VLAN and tunnel ids are not part of it (docs/events.md). Both directions give the same key.
#pragma once

#include <compare>
#include <cstdint>

#include "dissectors/packet_view.h"
#include "probe/base/ip_address.h"
#include "probe/base/short_text.h"
#include "probe/base/siphash.h"

namespace dpi {

// One side of a conversation.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
};

struct FlowKey {
  Endpoint low;  // the smaller endpoint
  Endpoint high;
  std::uint8_t protocol = 0;
  // 0 unless KeyScope puts them into the key.
  std::uint64_t vlan = 0;    // the four outermost ids
  std::uint64_t tunnel = 0;  // type and id of the innermost tunnel

  auto operator<=>(const FlowKey&) const = default;
};

// Which endpoint of the key sent a packet.
enum class Side : std::uint8_t { low = 0, high = 1 };
[[nodiscard]] constexpr Side other(Side side) noexcept {
  return side == Side::low ? Side::high : Side::low;
}
[[nodiscard]] constexpr std::size_t index(Side side) noexcept {
  return static_cast<std::size_t>(side);
}

struct DirectedKey {
  FlowKey key;
  Side sender = Side::low;
  // Of addresses, ports and protocol: what chooses the lane and the place in its flow table.
  std::uint64_t hash = 0;
};

// Transport ports as a flow counts them: ICMP type and code mapped as Community ID v1 does, 0 where
// the protocol has none.
struct PortPair {
  std::uint16_t src = 0;
  std::uint16_t dst = 0;

  bool operator==(const PortPair&) const = default;
};
[[nodiscard]] PortPair flow_ports(const PacketView& view) noexcept;
// True for ICMP types that Community ID treats as one-way: their key keeps the packet's direction.
[[nodiscard]] bool is_one_way_icmp(std::uint8_t protocol, std::uint8_t type) noexcept;

// What beside the 5-tuple tells flows apart; by default nothing, so that tags on one side of a
// mirror do not split flows.
struct KeyScope {
  bool vlan = false;
  bool tunnel = false;
};

// All tags of a packet, the outermost highest: 13 bits each, an id and that it is there.
[[nodiscard]] std::uint64_t tagged_vlan_key(const PacketView& view) noexcept;
[[nodiscard]] inline std::uint64_t vlan_key(const PacketView& view) noexcept {
  return view.vlan_ids.count == 0 ? 0 : tagged_vlan_key(view);
}
// The seed is a secret: who knew it could choose packets that meet somebody else's conversation.
[[nodiscard]] DirectedKey make_key(const PacketView& view, PortPair ports, KeyScope scope = {},
                                   HashSeed seed = {}) noexcept;

// Community ID v1, seed 0: "1:" and base64 of a SHA-1 (github.com/corelight/community-id-spec).
[[nodiscard]] ShortText<30> community_id(const Endpoint& src, const Endpoint& dst,
                                         std::uint8_t protocol, bool one_way);

}  // namespace dpi
