// The one table of the outputs: which payload member stands where in EVE, in ECS, in IPFIX and in
// the CSV files. docs/outputs.md prints it, a test compares the two.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dpi {

// What a member holds (docs/events.md).
enum class MemberKind : std::uint8_t { text, pct, number, boolean, time, json };

// How a value is written where it goes.
enum class Form : std::uint8_t {
  plain,          // as its kind says; pct-text decoded
  made,           // by the format's own code, together with other members
  in_part,        // made too, but it does not say all: the member stands in `ransomeye` as well
  number_text,    // 6 → "6"
  protocol_name,  // 6 → "TCP", the names Suricata uses
  transport,      // 6 → "tcp", IANA's keyword
  upper,
  lower,
  eve_time,           // microseconds and +0000
  eve_date,           // whole seconds, no zone
  seconds,            // of milliseconds
  app_proto,          // nDPI's name → Suricata's
  flow_reason,        // why a flow ended, in Suricata's words
  opcode,             // DNS mnemonic → its number
  tls_version,        // "TLSv1.2" → "TLS 1.2"
  tls_number,         // "TLSv1.2" → "1.2"
  tls_protocol,       // "TLSv1.2" → "tls"
  colon_hex,          // ab:cd
  comma_list,         // "h2,http/1.1" → ["h2","http/1.1"]
  host,               // without the port behind it
  ip_name,            // 4 → "ipv4"
  first_number_text,  // [7,8] → "7"
  quic_version,       // of Google's QUIC, "Q043"
};

// Whether a field of this form stands for the whole member.
[[nodiscard]] constexpr bool says_all(Form form) noexcept {
  return form != Form::in_part && form != Form::app_proto && form != Form::flow_reason &&
         form != Form::first_number_text && form != Form::host;
}

struct Target {
  std::string_view path;  // empty: no field of that format holds it
  Form form = Form::plain;
};

// A member may have several rows, one below the other.
struct Mapping {
  std::string_view member;
  MemberKind kind;
  Target eve = {};
  Target ecs = {};
  std::string_view ipfix = {};  // an information element (ipfix_elements.h); of flows and DNS only
};

// One kind of event that is a row in the database: its CSV file is `<row>.csv`.
struct RowMapping {
  std::string_view row;
  std::string_view event_type;
  std::span<const Mapping> members;  // sorted by name
};

[[nodiscard]] std::span<const RowMapping> row_mappings() noexcept;
// Null: an event that is stored raw only.
[[nodiscard]] const RowMapping* row_mapping(std::string_view event_type) noexcept;

}  // namespace dpi
