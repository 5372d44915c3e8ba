// One DNS message (RFC 1035 §4) as text that events carry: names and data in pct-text, types and
// classes by IANA mnemonic. Bounded work and memory for any input: what is kept is what a row can
// show. The first thing that is wrong ends the reading.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dissectors/anomaly.h"
#include "probe/base/bytes.h"

namespace dpi {

struct DnsQuestion {
  std::string name;  // pct-text, case kept
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
};

// Questions of a row; RFC 9619: a query has one. What is beyond is dns_records_omitted.
inline constexpr std::size_t dns_questions_max = 8;
// Bytes of all records as a row writes them, which leaves room for everything else in its 61,440;
// of one record's data; of a message's EDNS options in hex.
inline constexpr std::size_t dns_records_bytes_max = 46U << 10U;
inline constexpr std::size_t dns_data_bytes_max = 4096;
inline constexpr std::size_t dns_options_bytes_max = 2U << 10U;

enum class DnsSection : std::uint8_t { answer, authority, additional };
[[nodiscard]] std::string_view dns_section_name(DnsSection section) noexcept;

struct DnsRecord {
  DnsSection section = DnsSection::answer;
  std::string name;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::uint32_t ttl = 0;
  std::string data;  // presentation form, pct-text
  bool data_truncated = false;
};

struct DnsEdnsOption {
  std::uint16_t code = 0;
  ByteBuffer data;
};

// RFC 6891.
struct DnsEdns {
  bool present = false;
  std::uint8_t version = 0;
  std::uint16_t udp_size = 0;
  std::uint8_t rcode_high = 0;
  bool dnssec_ok = false;
  std::vector<DnsEdnsOption> options;
};

struct DnsMessage {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::vector<DnsQuestion> questions;  // the first
  std::vector<DnsRecord> records;      // the first of a response: rows show no others
  std::size_t records_omitted = 0;     // behind them
  DnsEdns edns;
  std::uint32_t bytes = 0;  // on the wire
  AnomalySet anomalies;
  // Ends inside a question or record though nothing is wrong with it: the capture cut it, or its
  // sender did and says so (TC, RFC 2181 §9).
  bool ends_early = false;
  bool question_known = false;  // the first was read, or there is none
  bool malformed = false;
  std::uint32_t malformed_at = 0;  // byte offset in the message
  Anomaly malformed_reason = Anomaly::dns_header_cut;

  [[nodiscard]] bool is_response() const noexcept { return (flags & 0x8000U) != 0; }
  [[nodiscard]] std::uint8_t opcode() const noexcept { return flags >> 11U & 15U; }
  // Twelve bits with EDNS (RFC 6891 §6.1.3).
  [[nodiscard]] std::uint16_t rcode() const noexcept {
    const std::uint32_t high = edns.present ? edns.rcode_high : 0U;
    return static_cast<std::uint16_t>(high << 4U | (flags & 15U));
  }
  [[nodiscard]] bool flag(std::uint16_t bit) const noexcept { return (flags & bit) != 0; }
  // What it holds besides itself.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
};

namespace dns_flag {
inline constexpr std::uint16_t aa = 0x0400, tc = 0x0200, rd = 0x0100, ra = 0x0080, ad = 0x0020,
                               cd = 0x0010;
}  // namespace dns_flag

// NetBIOS names and data (RFC 1002) have forms of their own; in mDNS the top bit of a class is none
// of the class (RFC 6762 §5.4, §10.2).
enum class DnsDialect : std::uint8_t { dns, netbios, multicast };

// `wire_bytes`: of the whole message, where less of it was captured.
[[nodiscard]] DnsMessage parse_dns(Bytes message, DnsDialect dialect = DnsDialect::dns,
                                   std::size_t wire_bytes = 0);

// IANA mnemonics; unknown ones TYPE123, CLASS5, OPCODE7, RCODE17 (RFC 3597 §5).
[[nodiscard]] std::string dns_type_name(std::uint16_t type);
[[nodiscard]] std::string dns_class_name(std::uint16_t klass);
[[nodiscard]] std::string dns_opcode_name(std::uint8_t opcode);
[[nodiscard]] std::string dns_rcode_name(std::uint16_t rcode);

}  // namespace dpi
