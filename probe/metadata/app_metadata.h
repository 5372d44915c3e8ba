// What our own parsers read of a flow's application: TLS, QUIC, HTTP/1, HTTP/2, SSH. Untrusted
// bytes as they were on the wire, cut where events would cut them; empty: not seen.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/base/time.h"

namespace dpi {

// Longest pct-text of each member (docs/events.md).
namespace metadata_limit {
inline constexpr std::size_t server_name = 512, alpn = 1024, certificate_name = 1024,
                             http_method = 32, http_url = 2048, http_user_agent = 1024,
                             ssh_banner = 255;
}  // namespace metadata_limit

struct SshSide {
  std::string banner;
  // Both readings of its KEXINIT, in hexadecimal: which one counts depends on who the client is.
  std::string hassh;
  std::string hassh_server;
  bool operator==(const SshSide&) const = default;
};

struct AppMetadata {
  std::string server_name;
  std::string tls_version;
  std::string tls_cipher;
  std::string alpn_offered;  // joined by commas
  std::string alpn_chosen;
  std::string ja3;
  std::string ja3s;
  std::string ja4;
  std::optional<Digest> certificate_sha256;
  std::string certificate_subject;
  std::string certificate_issuer;
  std::optional<Timestamp> certificate_not_before;
  std::optional<Timestamp> certificate_not_after;
  std::string http_method;
  std::string http_url;
  std::string http_user_agent;
  std::uint16_t http_status = 0;  // 0: not seen
  std::array<SshSide, 2> ssh;     // by Side
  bool operator==(const AppMetadata&) const = default;

  // With its texts.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    std::size_t sum = sizeof *this;
    for (const std::string* text :
         {&server_name, &tls_version, &tls_cipher, &alpn_offered, &alpn_chosen, &ja3, &ja3s, &ja4,
          &certificate_subject, &certificate_issuer, &http_method, &http_url, &http_user_agent,
          &ssh[0].banner, &ssh[0].hassh, &ssh[0].hassh_server, &ssh[1].banner, &ssh[1].hassh,
          &ssh[1].hassh_server})
      sum += text->capacity();
    return sum;
  }
};

// One byte more than the limit keeps the fact that something was cut: pct-text is never shorter.
inline void keep_text(std::string& to, Bytes bytes, std::size_t limit) {
  to.assign(as_text(bytes.first(std::min(bytes.size(), limit + 1))));
}

}  // namespace dpi
