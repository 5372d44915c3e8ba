#include "probe/metadata/detection.h"

#include <algorithm>

#include "dissectors/http/http1.h"
#include "dissectors/http/http2.h"
#include "dissectors/ssh/ssh.h"
#include "dissectors/tls/handshake.h"
#include "dissectors/tls/ssl2.h"

namespace dpi {
namespace {

StreamStart by_text(Bytes head, std::string_view text, StreamStart yes) noexcept {
  const std::size_t common = std::min(head.size(), text.size());
  if (as_text(head.first(common)) != text.substr(0, common)) return StreamStart::none;
  return common == text.size() ? yes : StreamStart::perhaps;
}

// A handshake record whose first message is a hello; the same evidence as orientation's.
StreamStart by_tls(Bytes head) noexcept {
  if (head[0] != static_cast<std::uint8_t>(TlsContent::handshake)) return StreamStart::none;
  if (head.size() > 1 && head[1] != 3) return StreamStart::none;
  if (head.size() <= tls_record_header_bytes) return StreamStart::perhaps;
  const auto header = parse_tls_record_header(head);
  if (!header || header->length == 0) return StreamStart::none;
  switch (static_cast<TlsHandshake>(head[tls_record_header_bytes])) {
    case TlsHandshake::client_hello:
      return StreamStart::tls_client;
    case TlsHandshake::server_hello:
      return StreamStart::tls_server;
    default:
      return StreamStart::none;
  }
}

StreamStart by_ssl2(Bytes head) noexcept {
  switch (ssl2_start(head)) {
    case Ssl2Start::client_hello:
      return StreamStart::tls_client;
    case Ssl2Start::perhaps:
      return StreamStart::perhaps;
    default:
      return StreamStart::none;
  }
}

// A server's preface is a SETTINGS frame (RFC 9113 §3.4).
StreamStart by_http2_settings(Bytes head) noexcept {
  constexpr std::uint32_t settings_bytes_max = 600;
  if (head[0] != 0 || (head.size() > 3 && head[3] != http2_frame::settings))
    return StreamStart::none;
  const auto header = parse_http2_frame_header(head);
  if (!header) {
    const bool too_long = head.size() > 1 && head[1] > settings_bytes_max >> 8U;
    return too_long ? StreamStart::none : StreamStart::perhaps;
  }
  const bool settings = header->type == http2_frame::settings && header->flags == 0 &&
                        header->stream == 0 && header->length % 6 == 0 &&
                        header->length <= settings_bytes_max;
  return settings ? StreamStart::http2_server : StreamStart::none;
}

StreamStart by_http1(Bytes head) noexcept {
  switch (http_start(as_text(head.first(std::min<std::size_t>(head.size(), 16))))) {
    case HttpStart::request:
      return StreamStart::http1_request;
    case HttpStart::response:
      return StreamStart::http1_response;
    case HttpStart::perhaps:
      return StreamStart::perhaps;
    default:
      return StreamStart::none;
  }
}

}  // namespace

StreamStart detect(Bytes head) noexcept {
  if (head.empty()) return StreamStart::perhaps;
  if (head[0] == 0) return by_http2_settings(head);
  if (head[0] >= 0x80) return by_ssl2(head);
  if (head[0] < 'A' || head[0] > 'Z') return by_tls(head);
  bool perhaps = false;
  for (const StreamStart found :
       {by_text(head, http2_preface, StreamStart::http2_client),
        by_text(head, ssh_identification, StreamStart::ssh), by_http1(head)}) {
    if (found == StreamStart::perhaps) {
      perhaps = true;
    } else if (found != StreamStart::none) {
      return found;
    }
  }
  return perhaps ? StreamStart::perhaps : StreamStart::none;
}

}  // namespace dpi
