#include "dissectors/decode.h"

#include "dissectors/layers.h"

namespace dpi {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Encapsulation::count_)> names{
    "none",   "vlan",   "qinq",  "vntag",   "mpls",   "pppoe", "ppp",       "nsh",  "gre",
    "nvgre",  "erspan", "vxlan", "geneve",  "gtpu",   "ipip",  "6in4",      "4in6", "6in6",
    "teredo", "l2tp",   "ah",    "etherip", "capwap", "tzsp",  "ieee80211", "pbb"};

// LINKTYPE_ values, tcpdump.org/linktypes.html.
Layer layer_of_link(LinkType link) noexcept {
  switch (static_cast<std::uint16_t>(link)) {
    case 0:    // NULL
    case 108:  // LOOP
      return Layer::null_loopback;
    case 1:
      return Layer::ethernet;
    case 9:
      return Layer::ppp;
    case 50:   // PPP_HDLC
    case 104:  // C_HDLC
      return Layer::ppp_hdlc;
    case 101:  // RAW
    case 228:  // IPV4
    case 229:  // IPV6
      return Layer::raw_ip;
    case 105:
      return Layer::ieee80211;
    case 107:  // FRELAY
      return Layer::frame_relay;
    case 113:
      return Layer::linux_sll;
    case 119:
      return Layer::prism;
    case 127:
      return Layer::radiotap;
    case 163:
      return Layer::avs;
    case 276:
      return Layer::linux_sll2;
    default:
      return Layer::end;
  }
}

Layer step(Layer layer, DecodeContext& context) noexcept {
  switch (layer) {
    case Layer::ethernet:
      return layers::ethernet(context);
    case Layer::ethertype:
      return layers::ethertype(context);
    case Layer::linux_sll:
      return layers::linux_sll(context);
    case Layer::linux_sll2:
      return layers::linux_sll2(context);
    case Layer::null_loopback:
      return layers::null_loopback(context);
    case Layer::raw_ip:
      return layer_of_ip_version(context);
    case Layer::ppp:
      return layers::ppp(context);
    case Layer::ppp_hdlc:
      return layers::ppp_hdlc(context);
    case Layer::frame_relay:
      return layers::frame_relay(context);
    case Layer::ieee80211:
      return layers::ieee80211(context);
    case Layer::radiotap:
      return layers::radiotap(context);
    case Layer::prism:
      return layers::prism(context);
    case Layer::avs:
      return layers::avs(context);
    case Layer::llc:
      return layers::llc(context);
    case Layer::vlan:
      return layers::vlan(context);
    case Layer::vntag:
      return layers::vntag(context);
    case Layer::pbb:
      return layers::pbb(context);
    case Layer::mpls:
      return layers::mpls(context);
    case Layer::pppoe:
      return layers::pppoe(context);
    case Layer::nsh:
      return layers::nsh(context);
    case Layer::ipv4:
      return layers::ipv4(context);
    case Layer::ipv6:
      return layers::ipv6(context);
    case Layer::tcp:
      return layers::tcp(context);
    case Layer::udp:
      return layers::udp(context);
    case Layer::icmp:
    case Layer::icmpv6:
      return layers::icmp(context);
    case Layer::ports_only:
      return layers::ports_only(context);
    case Layer::gre:
      return layers::gre(context);
    case Layer::etherip:
      return layers::etherip(context);
    case Layer::vxlan:
      return layers::vxlan(context);
    case Layer::geneve:
      return layers::geneve(context);
    case Layer::gtpu:
      return layers::gtpu(context);
    case Layer::teredo:
      return layers::teredo(context);
    case Layer::l2tp:
      return layers::l2tp(context);
    case Layer::capwap:
      return layers::capwap(context);
    case Layer::tzsp:
      return layers::tzsp(context);
    case Layer::end:
      break;
  }
  return Layer::end;
}

// Every encapsulation costs at most a link, a shim, an IP and a transport step, so the bound on
// steps is the bound on work; the bound on encapsulations is the contract's.
constexpr int steps_max = 4 * static_cast<int>(encapsulations_max);

void walk(Layer layer, DecodeContext& context) noexcept {
  for (int steps = 0; layer != Layer::end; ++steps) {
    if (steps == steps_max || context.view.encapsulations.count == encapsulations_max) {
      add(context.view.anomalies, Anomaly::encapsulation_too_deep);
      return;
    }
    layer = step(layer, context);
  }
}

bool refused(const AnomalySet& anomalies) noexcept {
  AnomalySet harmless;
  add(harmless, Anomaly::frame_cut);
  return (anomalies & ~harmless).any();
}

}  // namespace

std::string_view encapsulation_name(Encapsulation encapsulation) noexcept {
  return names[static_cast<std::size_t>(encapsulation)];
}

DecodeOutcome decode(const RawPacket& packet, PacketView& view) noexcept {
  view = PacketView{};
  view.time = packet.time;
  view.wire_bytes = packet.wire_bytes;
  view.cut = packet.data.size() < packet.wire_bytes;
  if (view.cut) add(view.anomalies, Anomaly::frame_cut);
  if (packet.data.empty()) {
    add(view.anomalies, Anomaly::frame_empty);
    return DecodeOutcome::malformed;
  }
  const Layer first = layer_of_link(packet.link);
  if (first == Layer::end) {
    add(view.anomalies, Anomaly::link_type_unknown);
    return DecodeOutcome::malformed;
  }
  if (packet.vlan_stripped) {
    view.vlan_ids.push(static_cast<std::uint16_t>(packet.vlan_tci & 0x0fffU));
    view.encapsulations.push(packet.vlan_tpid == 0x8100 ? Encapsulation::vlan
                                                        : Encapsulation::qinq);
  }
  DecodeContext context{.view = view, .data = packet.data, .wire_left = packet.wire_bytes};
  walk(first, context);
  if (view.ip_version != 0) return DecodeOutcome::decoded;
  return refused(view.anomalies) ? DecodeOutcome::malformed : DecodeOutcome::not_ip;
}

void decode_datagram(PacketView& view, Bytes l4) noexcept {
  view.fragment = Fragment{};
  view.l4 = l4;
  view.l4_bytes = static_cast<std::uint32_t>(l4.size());
  DecodeContext context{.view = view, .data = l4, .wire_left = view.l4_bytes};
  walk(layer_of_ip_protocol(context, view.protocol), context);
}

}  // namespace dpi
