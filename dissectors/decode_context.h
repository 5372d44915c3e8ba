// What the layers share while one frame is decoded. A layer reads its header from data, moves
// forward and names the next layer; it never looks outside data.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dissectors/evidence.h"
#include "dissectors/packet_view.h"
#include "probe/base/byte_cursor.h"

namespace dpi {

// What a tunnel around the current layer rests on until something inside has been verified. Nothing
// that the tunnel has put into the view is told before that.
enum class Trial : std::uint8_t {
  none,
  by_number,  // an IP protocol number announced it: what is wrong inside is wrong
  by_port,    // only a port: what is wrong inside shows that it was no tunnel
};

enum class Layer : std::uint8_t {
  end,
  ethernet,
  ethertype,  // the next two bytes are an EtherType
  linux_sll,
  linux_sll2,
  nflog,
  pktap,
  ppi,
  ipnet,
  pflog,
  enc,
  slip,
  fddi,
  token_ring,
  fibre_channel,
  firewire,
  erf,
  null_loopback,
  raw_ip,  // version nibble decides
  ppp,
  ppp_hdlc,
  directed_ppp,
  directed_hdlc,
  directed_frame_relay,
  frame_relay,
  ieee80211,
  radiotap,
  prism,
  avs,
  llc,
  vlan,
  vntag,
  pbb,
  etag,
  isl,
  cisco_metadata,
  macsec,
  hsr,
  trill,
  fabricpath,
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
  ipv4_in_ip,
  ipv6_in_ip,
  vxlan,
  geneve,
  gtpu,
  teredo,
  l2tp,
  capwap,
  tzsp,
  vxlan_gpe,
  lisp,
  lisp_control,
  ayiya,
  l2tpv3,
  lwapp,
  pim,
  ethernet_in_ip,
  count_,
};

struct DecodeContext {
  PacketView& view;
  Bytes data;                   // not yet decoded, captured
  std::uint32_t wire_left = 0;  // the same on the wire
  std::uint16_t ethertype = 0;  // that led to the current layer
  bool outermost_ip = false;    // stop at the first IP header and its transport
  Trial trial = Trial::none;

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
  // What follows, `skipped` bytes on, for a check of what it may be.
  [[nodiscard]] Claimed claimed(std::size_t skipped = 0) const noexcept {
    return Claimed{.data = data,
                   .wire_bytes = wire_left,
                   .first_piece = view.fragment.present || view.outer.fragment.present}
        .behind(skipped);
  }
  // What a tunnel carries was recognised: the tunnel is one.
  void verified() noexcept { trial = Trial::none; }
  // An inner IP header is about to replace the one around it.
  void keep_outer() noexcept {
    if (view.ip_version == 0) return;
    const bool ipv4 = view.ip_version == 4 && view.l3.size() >= 20;
    const std::uint32_t id = ipv4 ? std::uint32_t{view.l3[4]} << 8U | view.l3[5] : view.fragment.id;
    view.carrier = {id == 0 ? view.carrier.id : static_cast<std::uint16_t>(id), view.ttl};
    if (!view.fragment.present || view.outer.fragment.present) return;
    view.outer = OuterFragment{.fragment = view.fragment,
                               .src = view.src,
                               .dst = view.dst,
                               .ip_version = view.ip_version,
                               .protocol = view.protocol,
                               .src_port = view.src_port,
                               .dst_port = view.dst_port,
                               .l4 = view.l4,
                               .l4_bytes = view.l4_bytes};
  }
  // A tunnel over IP: remembers the IP header outside it.
  void enter_tunnel(Encapsulation type) noexcept {
    if (outermost_ip) return;
    view.encapsulations.push(type);
    view.tunnel = Tunnel{.type = type, .has_id = false, .id = 0, .src = view.src, .dst = view.dst};
  }
  void enter_tunnel(Encapsulation type, std::uint32_t id) noexcept {
    enter_tunnel(type);
    if (outermost_ip) return;
    view.tunnel.has_id = true;
    view.tunnel.id = id;
  }
};

// LINKTYPE_ values, tcpdump.org/linktypes.html; end when the type is not known.
[[nodiscard]] Layer layer_of_link_type(std::uint32_t link_type) noexcept;
// Shared by every header that carries an EtherType.
[[nodiscard]] Layer layer_of_ethertype(DecodeContext& context, std::uint16_t ethertype) noexcept;
// IPv4 or IPv6 by the version nibble.
[[nodiscard]] Layer layer_of_ip_version(DecodeContext& context) noexcept;
// The payload of an IP header or of the last extension header.
[[nodiscard]] Layer layer_of_ip_protocol(std::uint8_t protocol) noexcept;
// A tunnel on a registered UDP port; end when it is ordinary UDP.
[[nodiscard]] Layer layer_of_udp_ports(std::uint16_t src, std::uint16_t dst) noexcept;

}  // namespace dpi
