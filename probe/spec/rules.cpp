#include "probe/spec/rules.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "dissectors/anomaly.h"
#include "dissectors/decode_context.h"
#include "dissectors/dns/message.h"
#include "dissectors/packet_view.h"
#include "probe/dns/transaction.h"
#include "probe/flow/flow.h"
#include "probe/flow/orientation.h"
#include "probe/spec/packet_builder.h"

namespace dpi::spec {
namespace {

using Names = std::vector<std::string_view>;

// Where a rule shows: rule prefix, kind of row, member. A member that is a list shows every item.
struct Evidence {
  std::string_view rule;
  bool dns;
  std::string_view member;
};
constexpr std::array evidence = std::to_array<Evidence>({
    {"encapsulation", false, "encapsulations"},
    {"end_reason", false, "end_reason"},
    {"orientation", false, "orientation"},
    {"conn_state", false, "conn_state"},
    {"dns_outcome", true, "outcome"},
    {"dns_service", true, "service"},
    {"dns_transport", true, "transport"},
    {"dns_opcode", true, "opcode"},
    {"dns_rcode", true, "rcode"},
    {"dns_type", true, "qtype"},
});

// Zeek's conn_state and history letters, as far as docs/events.md has them.
constexpr std::array<std::string_view, 13> conn_states{
    "S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"};
constexpr std::string_view history_letters = "shadfriqtw";
constexpr std::array<std::string_view, 5> tcp_counters{
    "retransmits", "out_of_order", "duplicate_acks", "zero_windows", "gap_bytes"};
constexpr std::array<std::string_view, 9> settings{
    "flow.flows_max",  "flow.active_s",       "flow.idle_half_open_s",
    "flow.key_vlan",   "flow.key_tunnel",     "flow.tunnels",
    "flow.duplicates", "fragments.bytes_max", "dns.transactions_max"};

// What a capture file can be (docs/operations.md, capture/README.md).
constexpr std::array<std::string_view, 11> file_forms{
    "pcap", "pcap-ns", "pcap-modified", "pcap-lcap",   "pcapng", "snoop",
    "big",  "gzip",    "zstd",          "old_version", "filter"};
// What rows do not show; a recipe says so.
constexpr std::array<std::string_view, 21> told{
    "file.empty",           "file.header_cut",    "file.unknown_magic", "file.record_cut",
    "file.garbage",         "file.length_excess", "file.gzip_cut",      "file.gzip_trailing",
    "file.sections",        "file.interfaces",    "file.resolution",    "file.simple_packet",
    "file.obsolete_packet", "file.unknown_block", "file.block_length",  "file.time_backward",
    "file.time_offset",     "file.snap_cut",      "file.zero_length",   "file.bad_interface",
    "file.statistics"};
constexpr std::array<std::string_view, 27> told_of_packets{"fragment.in_order",
                                                           "fragment.reversed",
                                                           "fragment.first_missing",
                                                           "fragment.ipv6",
                                                           "fragment.outer",
                                                           "fragment.atomic",
                                                           "tcp.mid_stream",
                                                           "tcp.one_direction",
                                                           "tcp.syn_ack_first",
                                                           "tcp.reordered",
                                                           "tcp.keep_alive",
                                                           "tcp.sequence_wrap",
                                                           "dns.pipelined",
                                                           "dns.segmented",
                                                           "dns.retransmitted",
                                                           "dns.edns",
                                                           "dns.case_insensitive",
                                                           "icmp.quoted_header",
                                                           "app.tls",
                                                           "app.http",
                                                           "app.ssh",
                                                           "app.dtls",
                                                           "app.ssl2",
                                                           "app.gquic",
                                                           "app.h2c",
                                                           "ip.checksum_bad",
                                                           "not_ip"};

void add(std::vector<Rule>& out, std::string_view kind, std::string_view name, bool shown = true) {
  out.push_back({std::string{kind} + "." + std::string{name}, shown});
}

template <class Enum, class Name>
void add_enum(std::vector<Rule>& out, std::string_view kind, Enum last, Name name) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(last); ++i)
    add(out, kind, name(static_cast<Enum>(i)));
}

// Every mnemonic: unknown numbers get a name made of the prefix.
template <class Name>
void add_mnemonics(std::vector<Rule>& out, std::string_view kind, std::uint32_t last,
                   std::string_view prefix, Name name) {
  for (std::uint32_t i = 0; i <= last; ++i) {
    const std::string mnemonic = name(i);
    if (!mnemonic.starts_with(prefix)) add(out, kind, mnemonic);
  }
}

void add_dns(std::vector<Rule>& out) {
  add_enum(out, "dns_outcome", DnsOutcome::malformed, [](DnsOutcome o) { return name(o); });
  add_enum(out, "dns_service", DnsService::nbns, [](DnsService s) { return name(s); });
  add_enum(out, "dns_transport", DnsTransport::tcp, [](DnsTransport t) { return name(t); });
  add_mnemonics(out, "dns_opcode", 15, "OPCODE",
                [](std::uint32_t n) { return dns_opcode_name(static_cast<std::uint8_t>(n)); });
  add_mnemonics(out, "dns_rcode", 4095, "RCODE",
                [](std::uint32_t n) { return dns_rcode_name(static_cast<std::uint16_t>(n)); });
  add_mnemonics(out, "dns_type", 65'535, "TYPE",
                [](std::uint32_t n) { return dns_type_name(static_cast<std::uint16_t>(n)); });
}

void show_text(std::set<std::string>& out, std::string_view rule, const Value& value) {
  if (value.kind == Value::Kind::text) out.insert(std::string{rule} + "." + value.text);
  for (const Value& item : value.items) show_text(out, rule, item);
}

void show_rows(std::set<std::string>& out, const std::vector<Value>& rows, bool dns) {
  for (const Value& row : rows) {
    for (const Evidence& e : evidence) {
      if (e.dns != dns) continue;
      if (const Value* const member = row.find(e.member)) show_text(out, e.rule, *member);
    }
    if (const Value* const anomalies = row.find("anomalies")) show_text(out, "anomaly", *anomalies);
    if (const Value* const records = row.find("records")) {
      for (const Value& record : records->items) {
        if (const Value* const type = record.find("type")) show_text(out, "dns_type", *type);
      }
    }
    if (dns && row.find("edns") != nullptr) out.insert("dns_type.OPT");
    if (const Value* const history = row.find("history")) {
      for (const char c : history->text)
        out.insert(std::string{"history."} + static_cast<char>(c < 'a' ? c - 'A' + 'a' : c));
    }
    for (const std::string_view counter : tcp_counters) {
      for (const std::string_view side : {"_src", "_dst"}) {
        const Value* const member = row.find(std::string{counter} + std::string{side});
        if (member != nullptr && member->number > 0) out.insert("tcp." + std::string{counter});
      }
    }
  }
}

void show_link(std::set<std::string>& out, std::uint64_t link) {
  out.insert("link." + std::to_string(link));
}

void show_file(std::set<std::string>& out, const Recipe& recipe) {
  const FileText& file = recipe.capture;
  out.insert("file." + file.format);
  if (file.big_endian) out.insert("file.big");
  if (!file.compress.empty()) out.insert("file." + file.compress);
  if (file.major != 2 || file.minor != 4) out.insert("file.old_version");
  if (!recipe.filter.empty()) out.insert("file.filter");
  if (file.link) show_link(out, *file.link);
  for (const PacketText& packet : recipe.packets) {
    const LayerText& first = packet.layers[0];
    if (packet.directive) {
      const Argument* const link = first.find("link");
      const auto number = link != nullptr ? parse_number(link->value) : std::nullopt;
      if (number) show_link(out, *number);
    } else if (const auto link = link_type_of(first); link && !file.link) {
      show_link(out, *link);
    }
  }
  for (const std::string& setting : recipe.settings)
    out.insert("setting." + setting.substr(0, setting.find('=')));
}

}  // namespace

std::vector<Rule> all_rules() {
  std::vector<Rule> out;
  for (std::size_t i = 1; i < static_cast<std::size_t>(Encapsulation::count_); ++i)
    add(out, "encapsulation", encapsulation_name(static_cast<Encapsulation>(i)));
  for (std::size_t i = 0; i < anomaly_count; ++i)
    add(out, "anomaly", anomaly_name(static_cast<Anomaly>(i)));
  add_enum(out, "end_reason", EndReason::port_reuse, end_reason_name);
  add_enum(out, "orientation", Orientation::first_packet, orientation_name);
  for (const std::string_view state : conn_states) add(out, "conn_state", state);
  for (const char& letter : history_letters) add(out, "history", std::string_view{&letter, 1});
  for (const std::string_view counter : tcp_counters) add(out, "tcp", counter);
  add(out, "flow", "duplicate_packets");
  for (std::uint32_t link = 0; link <= 0xffffU; ++link) {
    if (layer_of_link_type(link) != Layer::end) add(out, "link", std::to_string(link));
  }
  add_dns(out);
  for (const std::string_view setting : settings) add(out, "setting", setting);
  for (const std::string_view form : file_forms) add(out, "file", form);
  for (const std::string_view rule : told) out.push_back({std::string{rule}, false});
  for (const std::string_view rule : told_of_packets) out.push_back({std::string{rule}, false});
  return out;
}

std::set<std::string> rules_shown(const Recipe& recipe, const Outcome& outcome) {
  std::set<std::string> out;
  show_file(out, recipe);
  show_rows(out, outcome.flows, false);
  show_rows(out, outcome.dns, true);
  for (const Value& row : outcome.flows) {
    if (row.find("duplicate_packets") != nullptr) out.insert("flow.duplicate_packets");
  }
  if (outcome.heartbeats.empty()) return out;
  if (const Value* const anomalies = outcome.heartbeats.back().find("anomalies")) {
    for (const Value& entry : anomalies->items) {
      if (const Value* const name = entry.find("name")) show_text(out, "anomaly", *name);
    }
  }
  return out;
}

std::vector<Difference> check_claims(const Recipe& recipe, const Outcome& outcome) {
  static const std::vector<Rule> rules = all_rules();
  const std::set<std::string> shown = rules_shown(recipe, outcome);
  std::vector<Difference> out;
  for (const Value& claim : recipe.covers) {
    const auto rule = std::find_if(rules.begin(), rules.end(),
                                   [&](const Rule& r) { return r.name == claim.text; });
    if (rule == rules.end()) {
      out.push_back({claim.line, "covers", "a rule of spec check --rules", claim.text});
    } else if (rule->shown && !shown.contains(claim.text)) {
      out.push_back({claim.line, "covers", claim.text, "the rows do not show it"});
    }
  }
  return out;
}

}  // namespace dpi::spec
