// What events tell of an X.509 certificate (RFC 5280 §4.1): walked in DER, nothing verified. Its
// key, extensions and signature are not looked at.
#pragma once

#include <optional>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/time.h"

namespace dpi {

struct CertificateFacts {
  std::string subject;  // RFC 4514 string, most specific name first, UTF-8; untrusted
  std::string issuer;
  std::optional<Timestamp> not_before;  // within 1970–2261
  std::optional<Timestamp> not_after;
};

// Nothing when the bytes are not DER up to the subject.
[[nodiscard]] std::optional<CertificateFacts> parse_certificate(Bytes der);

}  // namespace dpi
