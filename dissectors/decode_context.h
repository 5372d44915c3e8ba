// What the layers share while one frame is decoded. A layer reads its header from data, moves
// forward and names the next layer; it never looks outside data.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dissectors/packet_view.h"
#include "probe/base/byte_cursor.h"

namespace dpi {

enum class Layer : std::uint8_t {
  end,
  ethernet,
  ethertype,  // the next two bytes are an EtherType
  linux_sll,
  linux_sll2,
  null_loopback,
  raw_ip,  // version nibble decides
  ppp,
  ppp_hdlc,
  frame_relay,
  ieee80211,
  radiotap,
  prism,
  avs,
  llc,
  vlan,
  vntag,
  pbb,
  mpls,
  pppoe,
  nsh,
  ipv4,
  ipv6,
  tcp,
  udp,
  icmp,
  icmpv6,
  ports_only,  // SCTP, DCCP, UDP-Lite: ports come first
  gre,
  etherip,
  vxlan,
  geneve,
  gtpu,
  teredo,
  l2tp,
  capwap,
  tzsp,
};

struct DecodeContext {
  PacketView& view;
  Bytes data;                   // not yet decoded, captured
  std::uint32_t wire_left = 0;  // the same on the wire
  std::uint16_t ethertype = 0;  // that led to the current layer

  // Moves behind a header that was read.
  void advance(std::size_t bytes) noexcept {
    const std::size_t step = std::min(bytes, data.size());
    data = data.subspan(step);
    wire_left -= std::min<std::uint32_t>(wire_left, static_cast<std::uint32_t>(bytes));
  }
  // Cuts what follows to the length a header states.
  void limit(std::uint32_t bytes) noexcept {
    wire_left = std::min(wire_left, bytes);
    if (data.size() > bytes) data = data.first(bytes);
  }
  Layer refuse(Anomaly anomaly) noexcept {
    add(view.anomalies, anomaly);
    return Layer::end;
  }
  // A tunnel over IP: remembers the IP header outside it.
  void enter_tunnel(Encapsulation type) noexcept {
    view.encapsulations.push(type);
    view.tunnel = Tunnel{.type = type, .has_id = false, .id = 0, .src = view.src, .dst = view.dst};
  }
  void enter_tunnel(Encapsulation type, std::uint32_t id) noexcept {
    enter_tunnel(type);
    view.tunnel.has_id = true;
    view.tunnel.id = id;
  }
};

// Shared by every header that carries an EtherType.
[[nodiscard]] Layer layer_of_ethertype(DecodeContext& context, std::uint16_t ethertype) noexcept;
// IPv4 or IPv6 by the version nibble.
[[nodiscard]] Layer layer_of_ip_version(DecodeContext& context) noexcept;
// The payload of an IP header or of the last extension header.
[[nodiscard]] Layer layer_of_ip_protocol(DecodeContext& context, std::uint8_t protocol) noexcept;
// A tunnel on a registered UDP port; end when it is ordinary UDP.
[[nodiscard]] Layer layer_of_udp_ports(std::uint16_t src, std::uint16_t dst) noexcept;

}  // namespace dpi
