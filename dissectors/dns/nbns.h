// What NetBIOS name service (RFC 1002) has of its own inside a message shaped like DNS.
#pragma once

#include <cstdint>
#include <string>

#include "probe/base/bytes.h"

namespace dpi {

// First-level encoding (RFC 1001 §14.1) undone: "NAME<20>" and the scope behind a dot, in pct-text.
// A name that is not encoded so stays as it is.
[[nodiscard]] std::string nbns_name(const std::string& name);

// Presentation form of NB (owner flags and addresses) and NBSTAT (names with flags) data, RFC 1002
// §4.2.1.3 and §4.2.18. False: another type or not of this form; nothing was appended.
[[nodiscard]] bool append_nbns_rdata(std::string& out, Bytes data, std::uint16_t type);

// NB, NBSTAT; otherwise as DNS.
[[nodiscard]] std::string nbns_type_name(std::uint16_t type);
// RFC 1002 §4.2.1.1.
[[nodiscard]] std::string nbns_opcode_name(std::uint8_t opcode);

}  // namespace dpi
