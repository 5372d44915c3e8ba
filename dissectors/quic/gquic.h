// Google's QUIC before the IETF's (docs: "QUIC Crypto", "QUIC Wire Layout", 2013–2019): its
// ClientHello is not encrypted up to version Q046, and from Q050 on sealed as an Initial packet is.
//
// Q024 to Q043, the public header of a client's first packets:
//  flags(1) connection id(8) version(4) packet number(1, 2, 4 or 6) hash(12)
//  up to Q033: private flags(1) group(1, if they say so) | frames …
// Q046:
//  0xc0|…|packet number length(2 bits) version(4) id lengths(1) connection ids packet number
//  hash(12)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "probe/base/bytes.h"

namespace dpi {

struct GquicHello {
  std::array<char, 4> version{};  // as on the wire: "Q043"
  Bytes server_name;              // empty: not said

  [[nodiscard]] std::string_view version_text() const noexcept {
    return {version.data(), version.size()};
  }
};

// The ClientHello of a client's datagram of Q024 to Q043 or Q046.
[[nodiscard]] std::optional<GquicHello> parse_gquic_hello(Bytes datagram) noexcept;

// The value of a tag of the handshake message that begins here; nothing unless it is a ClientHello
// ("CHLO"), empty when it has no such tag or the value is not all here.
//  "CHLO" number of tags(2, little endian) 0(2) | tag(4) end of its value(4, little endian) … |
//  values …
[[nodiscard]] std::optional<Bytes> gquic_hello_value(Bytes message, std::string_view tag) noexcept;

// The message of the CRYPTO frame (type 8, Q050) that begins with a ClientHello; empty: none.
[[nodiscard]] Bytes gquic_crypto_message(Bytes frames) noexcept;

}  // namespace dpi
