#include "probe/report/found_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "probe/base/time.h"

namespace dpi {
namespace {

template <class Each>
void each_name(const ExportedEvent& event, std::string_view list, Each each) {
  for_each_in(event.payload(), 0, [&](const JsonNode& member, std::uint32_t at) {
    if (member.name != list) return;
    for_each_in(event.payload(), at, [&](const JsonNode& name, std::uint32_t) { each(name.text); });
  });
}

std::string endpoint(const ExportedEvent& event, std::string_view side) {
  const std::string_view ip = event.text(fmt::format("{}_ip", side));
  const std::string_view port = event.text(fmt::format("{}_port", side));
  if (port.empty()) return std::string{ip};
  return ip.find(':') != std::string_view::npos ? fmt::format("[{}]:{}", ip, port)
                                                : fmt::format("{}:{}", ip, port);
}

std::string transport(std::string_view protocol) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> known{{{"1", "ICMP"},
                                                                                {"6", "TCP"},
                                                                                {"17", "UDP"},
                                                                                {"50", "ESP"},
                                                                                {"58", "ICMPv6"},
                                                                                {"132", "SCTP"}}};
  for (const auto& [number, name] : known)
    if (number == protocol) return std::string{name};
  return fmt::format("IP {}", protocol);
}

}  // namespace

void FoundFacts::add(const ExportedEvent& event) {
  if (event.type() == "dpi.flow") add_flow(event);
  if (event.type() == "dpi.dns") add_exchange(event);
  if (event.type() == "dpi.scan") ++scans;
  if (event.type() == "health.heartbeat") add_heartbeat(event);
}

// Times of one form and length compare as text.
void FoundFacts::note_times(std::string_view start, std::string_view end) {
  if (!start.empty() && (first_at.empty() || start < first_at)) first_at = start;
  if (end > last_at) last_at = end;
}

void FoundFacts::add_flow(const ExportedEvent& event) {
  if (event.truth("canary")) return;  // the probe's own
  ++flow_records;
  const std::uint64_t to_dst = event.number("ip_bytes_src");
  const std::uint64_t to_src = event.number("ip_bytes_dst");
  const std::uint64_t both = event.number("packets_src") + event.number("packets_dst");
  packets += both;
  bytes += to_dst + to_src;
  note_times(event.text("start_at"), event.text("end_at"));
  const auto start = parse_time(event.text("start_at"));
  const auto end = parse_time(event.text("end_at"));
  if (start && end)
    traffic.add(*start, *end, static_cast<double>(to_dst), static_cast<double>(to_src));
  const auto count = [&](Tally& tally, std::string_view name) {
    if (name.empty()) return;
    Totals& totals = tally.at(name, event.seq());
    ++totals.events;
    totals.packets += both;
    totals.bytes_src += to_dst;
    totals.bytes_dst += to_src;
  };
  count(applications, event.text("app"));
  count(hosts, event.text("src_ip"));
  count(names, event.text("server_name"));
  each_name(event, "risks", [&](std::string_view name) { count(risks, name); });
  each_name(event, "anomalies", [&](std::string_view name) { count(anomalies, name); });
  keep_if_large({.seq = event.seq(),
                 .bytes = to_dst + to_src,
                 .packets = both,
                 .start_at = std::string{event.text("start_at")},
                 .from = endpoint(event, "src"),
                 .to = endpoint(event, "dst"),
                 .transport = transport(event.text("protocol")),
                 .app = std::string{event.text("app")},
                 .name = std::string{event.text("server_name")},
                 .state = std::string{event.text("conn_state")},
                 .sha256 = std::string{event.sha256()}});
}

void FoundFacts::keep_if_large(FoundFlow flow) {
  const auto at = std::ranges::find_if(
      largest, [&](const FoundFlow& other) { return other.bytes < flow.bytes; });
  if (at == largest.end() && largest.size() == flows_max) return;
  largest.insert(at, std::move(flow));
  if (largest.size() > flows_max) largest.pop_back();
}

void FoundFacts::add_exchange(const ExportedEvent& event) {
  if (event.truth("canary")) return;
  ++exchanges;
  note_times(event.text("query_at"), event.text("response_at"));
  const bool answered = event.text("outcome") == "answered";
  const auto count = [&](Tally& tally, std::string_view name) {
    if (name.empty()) return;
    Totals& totals = tally.at(name, event.seq());
    ++totals.events;
    if (answered) ++totals.answered;
  };
  const std::string_view rcode = event.text("rcode");
  count(questions, event.text("qname"));
  count(outcomes, rcode.empty() ? std::string{event.text("outcome")}
                                : fmt::format("{}, {}", event.text("outcome"), rcode));
  each_name(event, "anomalies", [&](std::string_view name) { count(anomalies, name); });
}

void FoundFacts::add_heartbeat(const ExportedEvent& event) {
  ledger.clear();
  for_each_in(event.payload(), 0, [&](const JsonNode& member, std::uint32_t) {
    if (member.name.starts_with("packets_"))
      ledger.emplace_back(member.name, event.number(member.name));
  });
  ndpi_version = event.text("ndpi_version");
  probe_version = event.text("probe_version");
  config_sha256 = event.text("config_sha256");
  schema_sha256 = event.text("schema_sha256");
}

}  // namespace dpi
