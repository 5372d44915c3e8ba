// One DNS message (RFC 1035 §4) as text that events carry: names and data in pct-text, types and
// classes by IANA mnemonic. Bounded work and memory for any input; the first thing that is wrong
// ends the reading.
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

enum class DnsSection : std::uint8_t { answer, authority, additional };
[[nodiscard]] std::string_view dns_section_name(DnsSection section) noexcept;

struct DnsRecord {
  DnsSection section = DnsSection::answer;
  std::string name;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::uint32_t ttl = 0;
  std::string data;  // presentation form, pct-text
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
  std::vector<DnsQuestion> questions;
  std::vector<DnsRecord> records;
  DnsEdns edns;
  std::uint32_t bytes = 0;
  AnomalySet anomalies;
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
};

namespace dns_flag {
inline constexpr std::uint16_t aa = 0x0400, tc = 0x0200, rd = 0x0100, ra = 0x0080, ad = 0x0020,
                               cd = 0x0010;
}  // namespace dns_flag

// NetBIOS names and data (RFC 1002) have forms of their own.
enum class DnsDialect : std::uint8_t { dns, netbios };

[[nodiscard]] DnsMessage parse_dns(Bytes message, DnsDialect dialect = DnsDialect::dns);

// IANA mnemonics; unknown ones TYPE123, CLASS5, OPCODE7, RCODE17 (RFC 3597 §5).
[[nodiscard]] std::string dns_type_name(std::uint16_t type);
[[nodiscard]] std::string dns_class_name(std::uint16_t klass);
[[nodiscard]] std::string dns_opcode_name(std::uint8_t opcode);
[[nodiscard]] std::string dns_rcode_name(std::uint16_t rcode);

}  // namespace dpi
