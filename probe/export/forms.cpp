#include "probe/export/forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "probe/export/json_text.h"

namespace dpi {
namespace {

struct Word {
  std::string_view from;
  std::string_view to;
};

template <std::size_t size>
std::string_view lookup(const std::array<Word, size>& words, std::string_view word,
                        std::string_view otherwise) {
  const auto* const found = std::ranges::find(words, word, &Word::from);
  return found == words.end() ? otherwise : found->to;
}

// IANA's keywords, where Suricata writes them otherwise than in capitals it is said below.
constexpr auto transports = std::to_array<Word>({{"1", "icmp"},
                                                 {"2", "igmp"},
                                                 {"6", "tcp"},
                                                 {"17", "udp"},
                                                 {"47", "gre"},
                                                 {"50", "esp"},
                                                 {"51", "ah"},
                                                 {"58", "ipv6-icmp"},
                                                 {"89", "ospfigp"},
                                                 {"103", "pim"},
                                                 {"112", "vrrp"},
                                                 {"132", "sctp"}});
constexpr auto suricata_protocols = std::to_array<Word>({{"1", "ICMP"},
                                                         {"2", "IGMP"},
                                                         {"6", "TCP"},
                                                         {"17", "UDP"},
                                                         {"47", "GRE"},
                                                         {"50", "ESP"},
                                                         {"51", "AH"},
                                                         {"58", "IPv6-ICMP"},
                                                         {"132", "SCTP"}});

// nDPI's names whose lower case is not Suricata's name of the protocol.
constexpr auto app_protocols = std::to_array<Word>({{"Unknown", "failed"},
                                                    {"FTP_CONTROL", "ftp"},
                                                    {"FTP_DATA", "ftp-data"},
                                                    {"HTTP_Connect", "http"},
                                                    {"HTTP_Proxy", "http"},
                                                    {"SMBv1", "smb"},
                                                    {"SMBv23", "smb"},
                                                    {"Kerberos", "krb5"},
                                                    {"PostgreSQL", "pgsql"},
                                                    {"MDNS", "mdns"},
                                                    {"IMAPS", "tls"},
                                                    {"POPS", "tls"},
                                                    {"SMTPS", "tls"}});

constexpr auto flow_reasons = std::to_array<Word>({{"idle", "timeout"},
                                                   {"active", "timeout"},
                                                   {"fin", "timeout"},
                                                   {"rst", "timeout"},
                                                   {"forced", "shutdown"},
                                                   {"evicted", "forced"},
                                                   {"port_reuse", "tcp_reuse"}});

constexpr auto opcodes = std::to_array<Word>({{"QUERY", "0"},
                                              {"IQUERY", "1"},
                                              {"STATUS", "2"},
                                              {"NOTIFY", "4"},
                                              {"UPDATE", "5"},
                                              {"DSO", "6"}});

std::string cased(std::string_view text, bool up) {
  std::string out{text};
  for (char& c : out) {
    if (up && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!up && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool quoted(std::string& out, std::string_view canonical) {
  if (canonical.empty()) return false;
  ((out += '"') += canonical) += '"';
  return true;
}

bool plain(std::string& out, MemberKind kind, const JsonNode& node) {
  if (kind == MemberKind::pct && node.kind == JsonKind::string) {
    append_json_string(out, pct_decoded(node.text));
  } else if (node.kind == JsonKind::string) {
    ((out += '"') += node.text) += '"';
  } else {
    out += node.text;
  }
  return true;
}

// "TLSv1.2", "DTLSv1.3", "SSLv3": in front of the v and behind it. Empty: another name.
struct Version {
  std::string_view protocol;
  std::string_view number;
};
Version split_version(std::string_view text) {
  const std::size_t mark = text.find('v');
  if (mark == std::string_view::npos) return {};
  return {text.substr(0, mark), text.substr(mark + 1)};
}

bool tls_version(std::string& out, std::string_view text) {
  const Version version = split_version(text);
  if (version.protocol.empty() || version.protocol == "SSL") return quoted(out, text);
  if (text == "TLSv1.0") return quoted(out, "TLSv1");
  return quoted(out, fmt::format("{} {}", version.protocol, version.number));
}

bool colon_hex(std::string& out, std::string_view digits) {
  std::string text;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    if (i > 0) text += ':';
    text += digits.substr(i, 2);
  }
  return quoted(out, text);
}

bool comma_list(std::string& out, std::string_view bytes) {
  out += '[';
  for (bool more = true; more;) {
    const std::size_t comma = std::min(bytes.find(','), bytes.size());
    append_json_string(out, bytes.substr(0, comma));
    more = comma < bytes.size();
    if (more) out += ',';
    bytes.remove_prefix(std::min(comma + 1, bytes.size()));
  }
  out += ']';
  return true;
}

bool seconds(std::string& out, std::string_view milliseconds) {
  std::uint64_t value = 0;
  std::from_chars(milliseconds.data(), milliseconds.data() + milliseconds.size(), value);
  fmt::format_to(std::back_inserter(out), "{}", value / 1000);
  return true;
}

// Of a number without leading zeros.
bool is_digits(std::string_view text) {
  const bool all = text.find_first_not_of("0123456789") == std::string_view::npos;
  return all && !text.empty() && (text.size() == 1 || text.front() != '0');
}

bool opcode(std::string& out, std::string_view mnemonic) {
  constexpr std::string_view unnamed = "OPCODE";
  const std::string_view digits = mnemonic.starts_with(unnamed) ? mnemonic.substr(unnamed.size())
                                                                : lookup(opcodes, mnemonic, "");
  if (!is_digits(digits)) return false;
  out += digits;
  return true;
}

// A list of numbers as it stands in the payload.
bool first_number(std::string& out, std::string_view list) {
  const std::size_t end = list.find_first_of(",]");
  const std::string_view first = list.substr(1, end - 1);
  return is_digits(first) && quoted(out, first);
}

bool host(std::string& out, std::string_view bytes) {
  const std::string_view name = split_host(bytes).host;
  if (name.empty()) return false;
  append_json_string(out, name);
  return true;
}

}  // namespace

bool append_form(std::string& out, const Mapping& mapping, Form form, const JsonNode& node) {
  const std::string_view text = node.text;
  const bool list = node.kind == JsonKind::object || node.kind == JsonKind::array;
  if (form != Form::plain && list != (form == Form::first_number_text)) return false;
  switch (form) {
    case Form::plain:
      return plain(out, mapping.kind, node);
    case Form::made:
    case Form::in_part:
      return false;
    case Form::number_text:
      return quoted(out, text);
    case Form::protocol_name:
      return quoted(out, protocol_name_text(text));
    case Form::transport:
      return quoted(out, lookup(transports, text, ""));
    case Form::upper:
      return quoted(out, cased(text, true));
    case Form::lower:
      return quoted(out, cased(text, false));
    case Form::eve_time:
      return quoted(out, eve_time_text(text));
    case Form::eve_date:
      return quoted(out, text.substr(0, 19));
    case Form::seconds:
      return seconds(out, text);
    case Form::app_proto:
      return quoted(out, lookup(app_protocols, text, cased(text, false)));
    case Form::flow_reason:
      return quoted(out, lookup(flow_reasons, text, "unknown"));
    case Form::opcode:
      return opcode(out, text);
    case Form::tls_version:
      return tls_version(out, text);
    case Form::tls_number:
      return quoted(out, split_version(text).number);
    case Form::tls_protocol:
      return quoted(out, cased(split_version(text).protocol, false));
    case Form::colon_hex:
      return colon_hex(out, text);
    case Form::comma_list:
      return comma_list(out, pct_decoded(text));
    case Form::host:
      return host(out, pct_decoded(text));
    case Form::ip_name:
      return quoted(out, text == "6" ? "ipv6" : "ipv4");
    case Form::first_number_text:
      return first_number(out, text);
    case Form::quic_version:
      return text.starts_with('Q') && quoted(out, text);
  }
  return false;
}

std::string eve_time_text(std::string_view time) {
  constexpr std::size_t upto_microseconds = 26;
  return std::string{time.substr(0, upto_microseconds)} + "+0000";
}

std::string protocol_name_text(std::string_view number) {
  return std::string{lookup(suricata_protocols, number, fmt::format("{:0>3}", number))};
}

HostPort split_host(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const bool alone = text.find(':') == colon || text.substr(0, colon).ends_with(']');
  if (colon == std::string_view::npos || !alone) return {text, std::nullopt};
  const std::string_view port = text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size())
    return {text, std::nullopt};
  return {text.substr(0, colon), number};
}

}  // namespace dpi
