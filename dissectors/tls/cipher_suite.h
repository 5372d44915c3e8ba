// Numbers of TLS as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace dpi {

// IANA's name, e.g. TLS_AES_128_GCM_SHA256; unknown ones 0x1234.
[[nodiscard]] std::string tls_cipher_name(std::uint16_t suite);
// SSLv3, TLSv1.0 to TLSv1.3, DTLSv1.0, DTLSv1.2, DTLSv1.3; unknown ones (drafts) 0x7F1C.
[[nodiscard]] std::string tls_version_name(std::uint16_t version);
[[nodiscard]] std::string hex16_text(std::uint16_t value);

}  // namespace dpi
