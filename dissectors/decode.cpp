#include "dissectors/decode.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "dissectors/layers.h"

namespace dpi {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Encapsulation::count_)> names{
    "none",   "vlan",  "qinq",      "vntag",        "mpls",          "pppoe", "nsh",
    "gre",    "nvgre", "erspan",    "vxlan",        "geneve",        "gtpu",  "ipip",
    "6in4",   "4in6",  "6in6",      "teredo",       "l2tp",          "ah",    "etherip",
    "capwap", "tzsp",  "ieee80211", "pbb",          "etag",          "isl",   "cisco_metadata",
    "macsec", "hsr",   "trill",     "fabricpath",   "vxlan_gpe",     "lisp",  "ayiya",
    "l2tpv3", "lwapp", "wccp",      "pim_register", "ethernet_in_ip"};

using Decoder = Layer (*)(DecodeContext&) noexcept;

struct Step {
  Layer layer;
  Decoder decode;
};
constexpr std::array step_table = std::to_array<Step>({
    {Layer::ethernet, layers::ethernet},
    {Layer::ethertype, layers::ethertype},
    {Layer::linux_sll, layers::linux_sll},
    {Layer::linux_sll2, layers::linux_sll2},
    {Layer::nflog, layers::nflog},
    {Layer::pktap, layers::pktap},
    {Layer::ppi, layers::ppi},
    {Layer::ipnet, layers::ipnet},
    {Layer::pflog, layers::pflog},
    {Layer::enc, layers::enc},
    {Layer::slip, layers::slip},
    {Layer::fddi, layers::fddi},
    {Layer::token_ring, layers::token_ring},
    {Layer::fibre_channel, layers::fibre_channel},
    {Layer::firewire, layers::firewire},
    {Layer::erf, layers::erf},
    {Layer::null_loopback, layers::null_loopback},
    {Layer::raw_ip, layer_of_ip_version},
    {Layer::ppp, layers::ppp},
    {Layer::ppp_hdlc, layers::ppp_hdlc},
    {Layer::directed_ppp, layers::directed_ppp},
    {Layer::directed_hdlc, layers::directed_hdlc},
    {Layer::directed_frame_relay, layers::directed_frame_relay},
    {Layer::frame_relay, layers::frame_relay},
    {Layer::ieee80211, layers::ieee80211},
    {Layer::radiotap, layers::radiotap},
    {Layer::prism, layers::prism},
    {Layer::avs, layers::avs},
    {Layer::llc, layers::llc},
    {Layer::vlan, layers::vlan},
    {Layer::vntag, layers::vntag},
    {Layer::pbb, layers::pbb},
    {Layer::etag, layers::etag},
    {Layer::isl, layers::isl},
    {Layer::cisco_metadata, layers::cisco_metadata},
    {Layer::macsec, layers::macsec},
    {Layer::hsr, layers::hsr},
    {Layer::trill, layers::trill},
    {Layer::fabricpath, layers::fabricpath},
    {Layer::mpls, layers::mpls},
    {Layer::pppoe, layers::pppoe},
    {Layer::nsh, layers::nsh},
    {Layer::ipv4, layers::ipv4},
    {Layer::ipv6, layers::ipv6},
    {Layer::tcp, layers::tcp},
    {Layer::udp, layers::udp},
    {Layer::icmp, layers::icmp},
    {Layer::icmpv6, layers::icmp},
    {Layer::ports_only, layers::ports_only},
    {Layer::gre, layers::gre},
    {Layer::etherip, layers::etherip},
    {Layer::ipv4_in_ip, layers::ipv4_in_ip},
    {Layer::ipv6_in_ip, layers::ipv6_in_ip},
    {Layer::vxlan, layers::vxlan},
    {Layer::geneve, layers::geneve},
    {Layer::gtpu, layers::gtpu},
    {Layer::teredo, layers::teredo},
    {Layer::l2tp, layers::l2tp},
    {Layer::capwap, layers::capwap},
    {Layer::tzsp, layers::tzsp},
    {Layer::vxlan_gpe, layers::vxlan_gpe},
    {Layer::lisp, layers::lisp},
    {Layer::lisp_control, layers::lisp_control},
    {Layer::ayiya, layers::ayiya},
    {Layer::l2tpv3, layers::l2tpv3},
    {Layer::lwapp, layers::lwapp},
    {Layer::pim, layers::pim},
    {Layer::ethernet_in_ip, layers::ethernet_in_ip},
});

constexpr std::size_t layer_count = static_cast<std::size_t>(Layer::count_);
constexpr std::array<Decoder, layer_count> decoders = [] {
  std::array<Decoder, layer_count> table{};
  for (const Step& s : step_table) table[static_cast<std::size_t>(s.layer)] = s.decode;
  return table;
}();
static_assert(step_table.size() == layer_count - 1, "every layer but the end has a decoder");

struct Link {
  std::uint32_t type;
  Layer layer;
};
constexpr std::array links = std::to_array<Link>({
    {0, Layer::null_loopback},
    {1, Layer::ethernet},
    {6, Layer::token_ring},
    {8, Layer::slip},
    {9, Layer::ppp_hdlc},  // PPP, or Cisco's framing by its address byte
    {10, Layer::fddi},
    {11, Layer::llc},  // ATM, RFC 2684
    {12, Layer::raw_ip},
    {14, Layer::raw_ip},  // OpenBSD's RAW
    {50, Layer::ppp_hdlc},
    {51, Layer::pppoe},  // PPP_ETHER
    {100, Layer::llc},   // ATM_RFC1483
    {101, Layer::raw_ip},
    {104, Layer::ppp_hdlc},  // C_HDLC
    {105, Layer::ieee80211},
    {107, Layer::frame_relay},
    {108, Layer::null_loopback},  // LOOP
    {109, Layer::enc},
    {113, Layer::linux_sll},
    {117, Layer::pflog},
    {119, Layer::prism},
    {122, Layer::fibre_channel},
    {127, Layer::radiotap},
    {138, Layer::firewire},
    {149, Layer::pktap},  // USER2, which macOS wrote for PKTAP
    {163, Layer::avs},
    {166, Layer::directed_ppp},  // PPP_PPPD
    {192, Layer::ppi},
    {197, Layer::erf},
    {204, Layer::directed_ppp},
    {205, Layer::directed_hdlc},
    {206, Layer::directed_frame_relay},
    {219, Layer::mpls},
    {226, Layer::ipnet},
    {228, Layer::raw_ip},  // IPV4
    {229, Layer::raw_ip},  // IPV6
    {239, Layer::nflog},
    {258, Layer::pktap},
    {276, Layer::linux_sll2},
});

// Every encapsulation costs at most a link, a shim, an IP and a transport step, so the bound on
// steps is the bound on work; the bound on encapsulations is the contract's.
constexpr int steps_max = 4 * static_cast<int>(encapsulations_max);

bool is_transport(Layer layer) noexcept {
  return layer == Layer::tcp || layer == Layer::udp || layer == Layer::icmp ||
         layer == Layer::icmpv6 || layer == Layer::ports_only;
}

// What announces a tunnel when `next` follows `layer`.
Trial trial_of(Layer layer, Layer next) noexcept {
  if (next == Layer::end || is_transport(next)) return Trial::none;
  if (layer == Layer::udp) return Trial::by_port;
  return layer == Layer::ipv4 || layer == Layer::ipv6 ? Trial::by_number : Trial::none;
}

// A tunnel is opened on trial. When nothing inside bears it out the view is again that of the
// packet that seemed to carry one.
void walk(Layer layer, DecodeContext& context) noexcept {
  std::optional<PacketView> carrier;
  Trial announced = Trial::none;
  for (int steps = 0; layer != Layer::end; ++steps) {
    if (steps == steps_max || context.view.encapsulations.count == encapsulations_max) {
      add(context.view.anomalies, Anomaly::encapsulation_too_deep);
      return;
    }
    if (context.outermost_ip && context.view.ip_version != 0 && !is_transport(layer)) return;
    const Layer next = decoders[static_cast<std::size_t>(layer)](context);
    if (const Trial trial = trial_of(layer, next); trial != Trial::none) {
      carrier = context.view;
      context.trial = announced = trial;
    }
    layer = next;
  }
  if (context.trial == Trial::none || !carrier) return;
  const AnomalySet inside = context.view.anomalies;
  context.view = *carrier;
  if (announced == Trial::by_number) context.view.anomalies = inside;
}

bool refused(const AnomalySet& anomalies) noexcept {
  AnomalySet harmless;
  add(harmless, Anomaly::frame_cut);
  add(harmless, Anomaly::frame_time_odd);
  return (anomalies & ~harmless).any();
}

}  // namespace

std::string_view encapsulation_name(Encapsulation encapsulation) noexcept {
  return names[static_cast<std::size_t>(encapsulation)];
}

Layer layer_of_link_type(std::uint32_t link_type) noexcept {
  const auto* const found = std::find_if(
      links.begin(), links.end(), [link_type](const Link& l) { return l.type == link_type; });
  return found == links.end() ? Layer::end : found->layer;
}

DecodeOutcome decode(const RawPacket& packet, PacketView& view,
                     const DecodeOptions& options) noexcept {
  std::construct_at(&view);  // in place: a view assigned would be written twice
  view.time = packet.time;
  view.frame = packet.frame;
  view.wire_bytes = packet.wire_bytes;
  // A tag that the kernel has taken off was on the wire and is not among the bytes.
  constexpr std::uint32_t tag_bytes = 4;
  const std::uint32_t untagged_bytes =
      packet.wire_bytes - std::min(packet.wire_bytes, packet.vlan_stripped ? tag_bytes : 0);
  view.cut = packet.data.size() < untagged_bytes;
  if (view.cut) add(view.anomalies, Anomaly::frame_cut);
  if (packet.time_odd) add(view.anomalies, Anomaly::frame_time_odd);
  if (packet.data.empty()) {
    add(view.anomalies, Anomaly::frame_empty);
    return DecodeOutcome::malformed;
  }
  const Layer first = layer_of_link_type(static_cast<std::uint16_t>(packet.link));
  if (first == Layer::end) {
    add(view.anomalies, Anomaly::link_type_unknown);
    return DecodeOutcome::malformed;
  }
  if (packet.vlan_stripped) {
    view.vlan_ids.push(static_cast<std::uint16_t>(packet.vlan_tci & 0x0fffU));
    view.encapsulations.push(packet.vlan_tpid == 0x8100 ? Encapsulation::vlan
                                                        : Encapsulation::qinq);
  }
  DecodeContext context{.view = view,
                        .data = packet.data,
                        .wire_left = untagged_bytes,
                        .outermost_ip = options.outermost_ip};
  walk(first, context);
  if (view.ip_version != 0) return DecodeOutcome::decoded;
  return refused(view.anomalies) ? DecodeOutcome::malformed : DecodeOutcome::not_ip;
}

void decode_datagram(PacketView& view, Bytes l4, const DecodeOptions& options) noexcept {
  const std::uint8_t protocol = view.fragment.protocol;
  view.fragment = Fragment{};
  const auto bytes = static_cast<std::uint32_t>(l4.size());
  DecodeContext context{
      .view = view, .data = l4, .wire_left = bytes, .outermost_ip = options.outermost_ip};
  const std::uint8_t told = view.encapsulations.count;  // AH, of the first piece
  const bool again = protocol != view.protocol;
  const Layer layer = view.ip_version == 4 ? layers::ipv4_upper_layer(context, protocol, bytes)
                                           : layers::ipv6_upper_layer(context, protocol, bytes);
  if (again) view.encapsulations.count = std::min(view.encapsulations.count, told);
  walk(layer, context);
}

}  // namespace dpi
