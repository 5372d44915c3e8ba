// The information elements that IPFIX records are made of (RFC 7011, 3.2): IANA's, their reverse
// (RFC 5103), and those of our own under a private enterprise number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dpi {

// What a value is, and how it is made from the member of an event.
enum class IpfixType : std::uint8_t {
  unsigned_number,
  boolean_number,  // RFC 7011, 6.1.5: 1 true, 2 false
  text,            // variable length
  octets,          // from hexadecimal digits
  ipv4,
  ipv6,
  milliseconds,  // since 1970
  end_reason,    // a word → flowEndReason
  transport,     // "udp", "tcp" → its number
  first_number,  // of a list
};

struct IpfixElement {
  std::string_view name;
  IpfixType type;
  std::uint16_t bytes;       // 0: variable
  std::uint16_t own_id = 0;  // 0: the name is IANA's
  std::string_view says = {};
};

// Numbers of our own never change their meaning; a new one is put behind the last.
[[nodiscard]] std::span<const IpfixElement> ipfix_elements() noexcept;
// Null: there is none.
[[nodiscard]] const IpfixElement* ipfix_element(std::string_view name) noexcept;

// Those that say which event a record was made from: in every template.
inline constexpr std::string_view ipfix_instance = "sensorInstance";
inline constexpr std::string_view ipfix_sequence = "eventSequence";
inline constexpr std::string_view ipfix_sha256 = "eventSha256";

}  // namespace dpi
