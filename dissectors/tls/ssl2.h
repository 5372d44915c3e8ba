// The ClientHello in SSL 2.0's form, with which clients of SSL 3.0 and TLS 1.0 to 1.2 greeted
// servers of any version (RFC 5246 §E.2).
//
//  1|msg_length(15 bits) msg_type(1)=1 version(2)
//  cipher_spec_length(2) session_id_length(2) challenge_length(2)
//  cipher_specs, three bytes each … session_id … challenge …
#pragma once

#include <cstdint>
#include <optional>

#include "dissectors/tls/handshake.h"

namespace dpi {

inline constexpr std::size_t ssl2_hello_header_bytes = 11;

enum class Ssl2Start : std::uint8_t { no, perhaps, client_hello };
// By the lengths, which must agree with each other; perhaps: too few bytes to tell.
[[nodiscard]] Ssl2Start ssl2_start(Bytes head) noexcept;

// Bytes of the record at the head, its header included; 0 when it is no such hello.
[[nodiscard]] std::size_t ssl2_hello_bytes(Bytes head) noexcept;
// Of the whole record. Its version, and those of its cipher specs that are TLS cipher suites (first
// byte 0); it has nothing else that a ClientHello has.
[[nodiscard]] std::optional<ClientHello> parse_ssl2_client_hello(Bytes record);

}  // namespace dpi
