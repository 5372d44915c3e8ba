#include "probe/envelope/canonical_writer.h"
#include "probe/event/anomaly_list.h"
#include "probe/event/payloads.h"

namespace dpi {
namespace {

template <class Names>
void member_names(CanonicalWriter& w, MemberName name, const Names& names) {
  w.key(name);
  w.begin_array();
  for (const std::string_view n : names) w.value(n);
  w.end_array();
}

// A flow seen from its initiator.
struct View {
  const Flow& flow;
  Side src = flow.initiator;
  Side dst = other(flow.initiator);
  bool tcp = flow.key.protocol == ip_protocol::tcp;

  [[nodiscard]] const SideCounters& counters(Side side) const { return flow.sides[index(side)]; }
  [[nodiscard]] const TcpSide& tcp_side(Side side) const { return flow.tcp.side(side); }
};

void write_tunnel(CanonicalWriter& w, const Tunnel& tunnel) {
  if (tunnel.type == Encapsulation::none) return;
  w.member("tunnel_dst_ip", tunnel.dst);
  if (tunnel.has_id) w.member("tunnel_id", tunnel.id);
  w.member("tunnel_src_ip", tunnel.src);
  w.member("tunnel_type", encapsulation_name(tunnel.type));
}

void write_classification(CanonicalWriter& w, const Verdict& verdict) {
  w.member("app", verdict.app);
  w.member("app_category", verdict.category);
  w.member("app_confidence", verdict.confidence);
  w.member("app_master", verdict.master);
  w.member("app_packets", verdict.decided_at_packet);
}

void write_rtt(CanonicalWriter& w, const TcpTracker& tcp, Side src) {
  const std::int64_t to_dst = tcp.rtt_us(other(src));
  const std::int64_t to_src = tcp.rtt_us(src);
  if (to_dst >= 0) w.member("rtt_dst_us", static_cast<std::uint64_t>(to_dst));
  if (to_src >= 0) w.member("rtt_src_us", static_cast<std::uint64_t>(to_src));
}

void write_ttl(CanonicalWriter& w, const View& v) {
  if (v.counters(v.dst).packets > 0) w.member("ttl_min_dst", v.counters(v.dst).ttl_min);
  if (v.counters(v.src).packets > 0) w.member("ttl_min_src", v.counters(v.src).ttl_min);
}

void member_text(CanonicalWriter& w, MemberName name, const std::string& text, std::size_t limit) {
  if (!text.empty()) w.member_pct(name, as_bytes(text), limit);
}

void member_name(CanonicalWriter& w, MemberName name, const std::string& text) {
  if (!text.empty()) w.member(name, text);
}

void write_certificate(CanonicalWriter& w, const AppMetadata& m) {
  constexpr std::size_t limit = metadata_limit::certificate_name;
  member_text(w, "cert_issuer", m.certificate_issuer, limit);
  if (m.certificate_not_after) w.member("cert_not_after", *m.certificate_not_after);
  if (m.certificate_not_before) w.member("cert_not_before", *m.certificate_not_before);
  if (m.certificate_sha256) w.member_hex("cert_sha256", *m.certificate_sha256);
  member_text(w, "cert_subject", m.certificate_subject, limit);
}

void write_http(CanonicalWriter& w, const AppMetadata& m) {
  member_text(w, "http_method", m.http_method, metadata_limit::http_method);
  if (m.http_status != 0) w.member("http_status", m.http_status);
  member_text(w, "http_url", m.http_url, metadata_limit::http_url);
  member_text(w, "http_user_agent", m.http_user_agent, metadata_limit::http_user_agent);
}

void write_splt(CanonicalWriter& w, const View& v) {
  const auto packets = v.flow.splt.packets();
  if (packets.empty()) return;
  w.key("splt");
  w.begin_array();
  for (const SpltPacket& packet : packets) {
    const std::int64_t bytes{packet.payload_bytes};
    w.begin_object();
    w.key("bytes");
    w.value_signed(packet.sender() == v.src ? bytes : -bytes);
    w.member("gap_us", packet.gap_us);
    w.end_object();
  }
  w.end_array();
}

}  // namespace

void append_flow_payload(std::string& out, const Flow& flow, EndReason reason, bool final,
                         const Verdict& verdict, const AppMetadata* metadata, bool canary) {
  static const AppMetadata none;
  const AppMetadata& m = metadata != nullptr ? *metadata : none;
  const View v{flow};
  const Endpoint& src = flow.endpoint(v.src);
  const Endpoint& dst = flow.endpoint(v.dst);
  CanonicalWriter w(out);
  w.begin_object();
  member_text(w, "alpn", m.alpn_chosen.empty() ? m.alpn_offered : m.alpn_chosen,
              metadata_limit::alpn);
  if (flow.anomalies.any()) member_names(w, "anomalies", sorted_names(flow.anomalies));
  write_classification(w, verdict);
  if (canary) w.member("canary", true);
  write_certificate(w, m);
  w.member("community_id", community_id(src, dst, flow.key.protocol, flow.one_way_icmp()));
  if (v.tcp) w.member("conn_state", flow.tcp.conn_state(v.src));
  w.member("dst_ip", dst.address);
  w.member("dst_port", dst.port);
  if (v.tcp) {
    w.member("duplicate_acks_dst", v.tcp_side(v.dst).duplicate_acks);
    w.member("duplicate_acks_src", v.tcp_side(v.src).duplicate_acks);
  }
  // Where equal packets were seen, 0 says that they were judged to be no copies.
  if (flow.duplicate_packets > 0 ||
      (v.tcp && v.tcp_side(v.src).duplicate_acks + v.tcp_side(v.dst).duplicate_acks > 0))
    w.member("duplicate_packets", flow.duplicate_packets);
  w.key("encapsulations");
  w.begin_array();
  for (const Encapsulation e : flow.encapsulations.view()) w.value(encapsulation_name(e));
  w.end_array();
  w.member("end_at", flow.end_at);
  w.member("end_reason", end_reason_name(reason));
  w.member("final", final);
  if (v.tcp) {
    w.member("gap_bytes_dst", flow.tcp.gap_bytes(v.dst));
    w.member("gap_bytes_src", flow.tcp.gap_bytes(v.src));
  }
  member_name(w, "hassh", m.ssh[index(v.src)].hassh);
  member_name(w, "hassh_server", m.ssh[index(v.dst)].hassh_server);
  const auto history = (v.tcp ? flow.tcp.history() : flow.history).render(v.src);
  if (!history.empty()) w.member("history", history);
  write_http(w, m);
  if (flow.has_icmp) {
    w.member("icmp_code", flow.icmp_code);
    w.member("icmp_type", flow.icmp_type);
  }
  w.member("ip_bytes_dst", v.counters(v.dst).ip_bytes);
  w.member("ip_bytes_src", v.counters(v.src).ip_bytes);
  w.member("ip_version", src.address.v6 ? 6U : 4U);
  member_name(w, "ja3", m.ja3);
  member_name(w, "ja3s", m.ja3s);
  member_name(w, "ja4", m.ja4);
  w.member("orientation", orientation_name(flow.orientation));
  if (v.tcp) {
    w.member("out_of_order_dst", v.tcp_side(v.dst).out_of_order);
    w.member("out_of_order_src", v.tcp_side(v.src).out_of_order);
  }
  w.member("packets_dst", v.counters(v.dst).packets);
  w.member("packets_src", v.counters(v.src).packets);
  w.member("payload_bytes_dst", v.counters(v.dst).payload_bytes);
  w.member("payload_bytes_src", v.counters(v.src).payload_bytes);
  w.member("protocol", flow.key.protocol);
  w.member("record", flow.record);
  if (v.tcp) {
    w.member("retransmits_dst", v.tcp_side(v.dst).retransmits);
    w.member("retransmits_src", v.tcp_side(v.src).retransmits);
  }
  w.member("risk_score", verdict.risk_score);
  member_names(w, "risks", verdict.risks);
  if (v.tcp) write_rtt(w, flow.tcp, v.src);
  member_text(w, "server_name", m.server_name, metadata_limit::server_name);
  write_splt(w, v);
  w.member("src_ip", src.address);
  w.member("src_port", src.port);
  member_text(w, "ssh_client", m.ssh[index(v.src)].banner, metadata_limit::ssh_banner);
  member_text(w, "ssh_server", m.ssh[index(v.dst)].banner, metadata_limit::ssh_banner);
  w.member("start_at", flow.start_at);
  if (v.tcp) {
    w.member("tcp_flags_dst", v.tcp_side(v.dst).flags);
    w.member("tcp_flags_src", v.tcp_side(v.src).flags);
  }
  member_name(w, "tls_cipher", m.tls_cipher);
  member_name(w, "tls_version", m.tls_version);
  write_ttl(w, v);
  write_tunnel(w, flow.tunnel);
  w.key("vlan_ids");
  w.begin_array();
  for (const std::uint16_t id : flow.vlan_ids.view()) w.value(std::uint64_t{id});
  w.end_array();
  if (v.tcp) {
    w.member("zero_windows_dst", v.tcp_side(v.dst).zero_windows);
    w.member("zero_windows_src", v.tcp_side(v.src).zero_windows);
  }
  w.end_object();
}

}  // namespace dpi
