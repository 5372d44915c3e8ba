// The texts that published TLS fingerprints are digests of. GREASE values (RFC 8701) are left out.
#pragma once

#include <string>

#include "dissectors/tls/handshake.h"

namespace dpi {

[[nodiscard]] constexpr bool is_grease(std::uint16_t value) noexcept {
  return (value & 0x0f0fU) == 0x0a0aU && value >> 8U == (value & 0xffU);
}

// JA3 = MD5 of version,ciphers,extensions,groups,point formats in decimal, as salesforce/ja3 wrote.
[[nodiscard]] std::string ja3_text(const ClientHello& hello);
// JA3S = MD5 of version,cipher,extensions.
[[nodiscard]] std::string ja3s_text(const ServerHello& hello);

// JA4 = head _ first 12 hex digits of SHA-256(ciphers) _ the same of extensions; twelve zeros for
// an empty text (FoxIO, JA4 technical details).
struct Ja4Parts {
  std::string head;
  std::string ciphers;
  std::string extensions;
};
[[nodiscard]] Ja4Parts ja4_parts(const ClientHello& hello, TlsCarrier carrier);

}  // namespace dpi
