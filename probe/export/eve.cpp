#include "probe/export/eve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "probe/base/hex.h"
#include "probe/base/time.h"
#include "probe/export/eve_dns.h"
#include "probe/export/flow_facts.h"
#include "probe/export/forms.h"
#include "probe/export/json_text.h"
#include "probe/export/members.h"

namespace dpi {
namespace {

// The objects that records of one type have; all others are common to records of every type.
struct Owner {
  std::string_view object;
  std::string_view type;
};
constexpr auto owners = std::to_array<Owner>({{"flow", "flow"},
                                              {"tcp", "flow"},
                                              {"tls", "tls"},
                                              {"quic", "quic"},
                                              {"http", "http"},
                                              {"ssh", "ssh"},
                                              {"dns", "dns"},
                                              {"stats", "stats"}});

bool belongs_to(std::string_view path, std::string_view type) {
  const std::string_view object = path.substr(0, path.find('.'));
  const auto* const owner = std::ranges::find(owners, object, &Owner::object);
  return owner == owners.end() || owner->type == type;
}

// What ties the records of one flow together: 48 bits of its Community ID.
std::uint64_t flow_id(std::string_view community_id) {
  constexpr std::size_t version_characters = 2;  // "1:"
  constexpr std::size_t digits = 8;
  if (community_id.size() < version_characters + digits) return 0;
  const auto bytes = parse_base64(community_id.substr(version_characters, digits));
  std::uint64_t id = 0;
  for (const std::uint8_t byte : bytes.value_or(ByteBuffer{})) id = id << 8U | byte;
  return id;
}

bool has_ports(std::string_view protocol) {
  return protocol == "6" || protocol == "17" || protocol == "132";
}

// Suricata's three states of a flow.
std::string_view flow_state(const ExportedEvent& event) {
  const std::string_view reason = event.text("end_reason");
  if (reason == "fin" || reason == "rst") return "closed";
  const bool answered = event.number("packets_dst") > 0 && event.text("conn_state") != "S0";
  return answered ? "established" : "new";
}

// Zeek's word for a connection in Suricata's, where there is one.
std::string_view tcp_state(std::string_view conn_state) {
  if (conn_state == "S0") return "syn_sent";
  if (conn_state == "S1") return "established";
  if (conn_state == "SF" || conn_state == "REJ" || conn_state.starts_with("RST")) return "closed";
  return {};
}

void write_tcp(JsonDocument& record, const ExportedEvent& event) {
  const auto source = static_cast<std::uint8_t>(event.number("tcp_flags_src"));
  const auto target = static_cast<std::uint8_t>(event.number("tcp_flags_dst"));
  const auto flags = static_cast<std::uint8_t>(source | target);
  record.text("tcp.tcp_flags", hex({&flags, 1}));
  record.text("tcp.tcp_flags_ts", hex({&source, 1}));
  record.text("tcp.tcp_flags_tc", hex({&target, 1}));
  constexpr std::array<std::string_view, 8> names{"tcp.fin", "tcp.syn", "tcp.rst", "tcp.psh",
                                                  "tcp.ack", "tcp.urg", "tcp.ecn", "tcp.cwr"};
  for (std::size_t bit = 0; bit < names.size(); ++bit)
    if ((flags >> bit & 1U) != 0) record.boolean(names[bit], true);
  if (const auto state = tcp_state(event.text("conn_state")); !state.empty())
    record.text("tcp.state", state);
  if (event.number("gap_bytes_src") > 0) record.boolean("tcp.ts_gap", true);
  if (event.number("gap_bytes_dst") > 0) record.boolean("tcp.tc_gap", true);
}

// "SSH-2.0-OpenSSH_9.2 Debian" → "2.0", "OpenSSH_9.2" (RFC 4253 §4.2).
void write_ssh(JsonDocument& record, std::string_view side, std::string_view pct) {
  const std::string line = pct_decoded(pct);
  std::string_view rest = line;
  if (!rest.starts_with("SSH-")) return;
  rest.remove_prefix(4);
  const std::size_t dash = rest.find('-');
  const std::string at = fmt::format("ssh.{}", side);
  record.bytes(at + ".proto_version", rest.substr(0, dash));
  if (dash == std::string_view::npos) return;
  rest.remove_prefix(dash + 1);
  record.bytes(at + ".software_version", rest.substr(0, rest.find(' ')));
}

// Which of Suricata's engines would have said it, and of which protocol.
struct AnomalyPlace {
  std::string_view type;
  std::string_view app_proto;
};
AnomalyPlace place_of(std::string_view anomaly) {
  if (anomaly.starts_with("stream_")) return {"stream", {}};
  for (const std::string_view protocol : {"tls", "quic", "http2", "http", "ssh", "dns"}) {
    if (anomaly.starts_with(protocol) && anomaly.substr(protocol.size()).starts_with('_'))
      return {"applayer", protocol};
  }
  return {"decode", {}};
}

}  // namespace

void EveFormat::append(std::string& out, const ExportedEvent& event) {
  if (event.truth("canary")) return;  // the probe's own test traffic
  const std::string_view type = event.type();
  if (type == "dpi.flow") {
    flow(out, event);
    if (event.truth("final")) metadata(out, event);
    anomalies(out, event);
  } else if (type == "dpi.dns") {
    const bool answered = event.member("response_at") != nullptr;
    if (event.member("query_at") != nullptr || !answered) {
      const std::string_view at = event.text("query_at");
      begin(event, "dns", at.empty() ? event.said("observed_at") : at);
      members(event, "dns", !answered);
      write_eve_dns(record_, event, EveDnsSide::request);
      end(out);
    }
    if (answered) {
      begin(event, "dns", event.text("response_at"));
      members(event, "dns", true);
      write_eve_dns(record_, event, EveDnsSide::response);
      end(out);
    }
    anomalies(out, event);
  } else if (type == "dpi.scan") {
    scan(out, event);
  } else if (type == "health.heartbeat") {
    stats(out, event);
  }
}

void EveFormat::begin(const ExportedEvent& event, std::string_view type, std::string_view time) {
  record_.clear();
  record_.text("event_type", type);
  record_.text("timestamp", eve_time_text(time));
  record_.bytes("host", pct_decoded(event.identity("hostname")));
  write_source(record_, event);
  if (event.member("community_id") != nullptr)
    record_.number("flow_id", flow_id(event.text("community_id")));
}

void EveFormat::members(const ExportedEvent& event, std::string_view type, bool rest) {
  const bool ports = event.member("protocol") == nullptr || has_ports(event.text("protocol"));
  const bool answer = event.member("response_at") != nullptr;
  write_members(record_, event,
                {.format = &Mapping::eve,
                 .wants =
                     [&](std::string_view path) {
                       if (!ports && (path == "src_port" || path == "dest_port")) return false;
                       // The flags of an exchange are those of its response.
                       if (!rest && answer && path != "dns.id" && path != "dns.opcode" &&
                           path.starts_with("dns."))
                         return false;
                       return belongs_to(path, type);
                     },
                 .rest = rest});
  const JsonNode* const vlans = event.member("vlan_ids");
  if (vlans != nullptr && vlans->kind == JsonKind::array && vlans->count > 0)
    record_.json("vlan", vlans->text);
}

void EveFormat::end(std::string& out) {
  record_.write(out);
  out += '\n';
}

void EveFormat::flow(std::string& out, const ExportedEvent& event) {
  begin(event, "flow", event.said("observed_at"));
  members(event, "flow", true);
  const auto from = parse_time(event.text("start_at"));
  const auto to = parse_time(event.text("end_at"));
  if (from && to && *to >= *from) {
    record_.number("flow.age",
                   static_cast<std::uint64_t>(
                       std::chrono::duration_cast<std::chrono::seconds>(*to - *from).count()));
  }
  record_.text("flow.state", flow_state(event));
  record_.boolean("flow.alerted", false);
  if (event.text("protocol") == "6") write_tcp(record_, event);
  end(out);
}

// What the flow said of itself, once: with its last record.
void EveFormat::metadata(std::string& out, const ExportedEvent& event) {
  const FlowFacts facts = flow_facts(event);
  const std::string_view time = event.said("observed_at");
  if (facts.tls) {
    begin(event, facts.quic ? "quic" : "tls", time);
    members(event, facts.quic ? "quic" : "tls", false);
    end(out);
  }
  if (facts.http) {
    begin(event, "http", time);
    const std::string name = pct_decoded(event.text("server_name"));
    write_members(record_, event,
                  {.format = &Mapping::eve,
                   .wants =
                       [&](std::string_view path) {
                         return belongs_to(path, "http") && (path != "http.hostname" || !facts.tls);
                       },
                   .rest = false});
    if (const auto port = split_host(name).port; !facts.tls && port)
      record_.number("http.http_port", *port);
    end(out);
  }
  if (facts.ssh) {
    begin(event, "ssh", time);
    members(event, "ssh", false);
    write_ssh(record_, "client", event.text("ssh_client"));
    write_ssh(record_, "server", event.text("ssh_server"));
    end(out);
  }
}

void EveFormat::anomalies(std::string& out, const ExportedEvent& event) {
  const JsonTree& tree = event.payload();
  for_each_in(tree, JsonTree::root, [&](const JsonNode& list, std::uint32_t at) {
    if (list.name != "anomalies" || list.kind != JsonKind::array) return;
    for_each_in(tree, at, [&](const JsonNode& name, std::uint32_t) {
      if (name.kind != JsonKind::string) return;
      begin(event, "anomaly", event.said("observed_at"));
      members(event, "anomaly", false);
      const AnomalyPlace place = place_of(name.text);
      record_.text("anomaly.type", place.type);
      record_.text("anomaly.event", name.text);
      if (!place.app_proto.empty()) {
        record_.text("anomaly.app_proto", place.app_proto);
        record_.text("anomaly.layer", "proto_parser");
      }
      end(out);
    });
  });
}

// EVE has no record for many flows told as one; an anomaly is what its readers look at.
void EveFormat::scan(std::string& out, const ExportedEvent& event) {
  begin(event, "anomaly", event.said("observed_at"));
  members(event, "anomaly", true);
  record_.text("anomaly.type", "stream");
  record_.text("anomaly.event", fmt::format("scan_{}", event.text("kind")));
  end(out);
}

void EveFormat::stats(std::string& out, const ExportedEvent& event) {
  begin(event, "stats", event.said("observed_at"));
  members(event, "stats", true);
  end(out);
}

}  // namespace dpi
