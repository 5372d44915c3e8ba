// Every header decoder, one small file each. A layer reads its header, and returns what follows.
#pragma once

#include "dissectors/decode_context.h"

namespace dpi::layers {

// link/
[[nodiscard]] Layer ethernet(DecodeContext& context) noexcept;
[[nodiscard]] Layer ethertype(DecodeContext& context) noexcept;
[[nodiscard]] Layer linux_sll(DecodeContext& context) noexcept;
[[nodiscard]] Layer linux_sll2(DecodeContext& context) noexcept;
[[nodiscard]] Layer nflog(DecodeContext& context) noexcept;
[[nodiscard]] Layer pktap(DecodeContext& context) noexcept;
[[nodiscard]] Layer ppi(DecodeContext& context) noexcept;
[[nodiscard]] Layer ipnet(DecodeContext& context) noexcept;
[[nodiscard]] Layer pflog(DecodeContext& context) noexcept;
[[nodiscard]] Layer enc(DecodeContext& context) noexcept;
[[nodiscard]] Layer slip(DecodeContext& context) noexcept;
[[nodiscard]] Layer fddi(DecodeContext& context) noexcept;
[[nodiscard]] Layer token_ring(DecodeContext& context) noexcept;
[[nodiscard]] Layer fibre_channel(DecodeContext& context) noexcept;
[[nodiscard]] Layer firewire(DecodeContext& context) noexcept;
[[nodiscard]] Layer erf(DecodeContext& context) noexcept;
[[nodiscard]] Layer null_loopback(DecodeContext& context) noexcept;
[[nodiscard]] Layer ppp(DecodeContext& context) noexcept;
[[nodiscard]] Layer ppp_hdlc(DecodeContext& context) noexcept;
[[nodiscard]] Layer directed_ppp(DecodeContext& context) noexcept;
[[nodiscard]] Layer directed_hdlc(DecodeContext& context) noexcept;
[[nodiscard]] Layer directed_frame_relay(DecodeContext& context) noexcept;
[[nodiscard]] Layer frame_relay(DecodeContext& context) noexcept;
[[nodiscard]] Layer ieee80211(DecodeContext& context) noexcept;
[[nodiscard]] Layer radiotap(DecodeContext& context) noexcept;
[[nodiscard]] Layer prism(DecodeContext& context) noexcept;
[[nodiscard]] Layer avs(DecodeContext& context) noexcept;
[[nodiscard]] Layer llc(DecodeContext& context) noexcept;
[[nodiscard]] Layer vlan(DecodeContext& context) noexcept;
[[nodiscard]] Layer vntag(DecodeContext& context) noexcept;
[[nodiscard]] Layer pbb(DecodeContext& context) noexcept;
[[nodiscard]] Layer etag(DecodeContext& context) noexcept;
[[nodiscard]] Layer isl(DecodeContext& context) noexcept;
[[nodiscard]] Layer cisco_metadata(DecodeContext& context) noexcept;
[[nodiscard]] Layer macsec(DecodeContext& context) noexcept;
[[nodiscard]] Layer hsr(DecodeContext& context) noexcept;
[[nodiscard]] Layer trill(DecodeContext& context) noexcept;
[[nodiscard]] Layer fabricpath(DecodeContext& context) noexcept;
// network/
[[nodiscard]] Layer ipv4(DecodeContext& context) noexcept;
[[nodiscard]] Layer ipv6(DecodeContext& context) noexcept;
// Steps over what may stand between an IP header, or the fragment header, and the transport header:
// AH, in IPv6 the extension headers. Sets the view's protocol and l4; `wire_bytes` is what follows
// by the IP length.
[[nodiscard]] Layer ipv4_upper_layer(DecodeContext& context, std::uint8_t protocol,
                                     std::uint32_t wire_bytes) noexcept;
[[nodiscard]] Layer ipv6_upper_layer(DecodeContext& context, std::uint8_t protocol,
                                     std::uint32_t wire_bytes) noexcept;
// transport/
[[nodiscard]] Layer tcp(DecodeContext& context) noexcept;
[[nodiscard]] Layer udp(DecodeContext& context) noexcept;
[[nodiscard]] Layer icmp(DecodeContext& context) noexcept;
[[nodiscard]] Layer ports_only(DecodeContext& context) noexcept;
// tunnel/
[[nodiscard]] Layer mpls(DecodeContext& context) noexcept;
[[nodiscard]] Layer pppoe(DecodeContext& context) noexcept;
[[nodiscard]] Layer nsh(DecodeContext& context) noexcept;
[[nodiscard]] Layer gre(DecodeContext& context) noexcept;
[[nodiscard]] Layer etherip(DecodeContext& context) noexcept;
[[nodiscard]] Layer ipv4_in_ip(DecodeContext& context) noexcept;
[[nodiscard]] Layer ipv6_in_ip(DecodeContext& context) noexcept;
[[nodiscard]] Layer vxlan(DecodeContext& context) noexcept;
[[nodiscard]] Layer geneve(DecodeContext& context) noexcept;
[[nodiscard]] Layer gtpu(DecodeContext& context) noexcept;
[[nodiscard]] Layer teredo(DecodeContext& context) noexcept;
[[nodiscard]] Layer l2tp(DecodeContext& context) noexcept;
[[nodiscard]] Layer capwap(DecodeContext& context) noexcept;
[[nodiscard]] Layer tzsp(DecodeContext& context) noexcept;
[[nodiscard]] Layer vxlan_gpe(DecodeContext& context) noexcept;
[[nodiscard]] Layer lisp(DecodeContext& context) noexcept;
[[nodiscard]] Layer lisp_control(DecodeContext& context) noexcept;
[[nodiscard]] Layer ayiya(DecodeContext& context) noexcept;
[[nodiscard]] Layer l2tpv3(DecodeContext& context) noexcept;
[[nodiscard]] Layer lwapp(DecodeContext& context) noexcept;
[[nodiscard]] Layer pim(DecodeContext& context) noexcept;
[[nodiscard]] Layer ethernet_in_ip(DecodeContext& context) noexcept;

}  // namespace dpi::layers
