#include "probe/metadata/detection.h"

#include <algorithm>

#include "dissectors/http/http1.h"
#include "dissectors/http/http2.h"
#include "dissectors/ssh/ssh.h"
#include "dissectors/tls/handshake.h"
#include "dissectors/tls/ssl2.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

StreamStart by_text(Bytes head, std::string_view text, StreamStart yes) noexcept {
  const std::size_t common = std::min(head.size(), text.size());
  if (as_text(head.first(common)) != text.substr(0, common)) return StreamStart::none;
  return common == text.size() ? yes : StreamStart::perhaps;
}

// HTTP/2's preface looks like a request too.
StreamStart by_fixed_text(Bytes head) noexcept {
  const StreamStart http2 = by_text(head, http2_preface, StreamStart::http2_client);
  return http2 != StreamStart::none ? http2 : by_text(head, ssh_identification, StreamStart::ssh);
}

// A handshake record whose first message is a hello; the same evidence as orientation's. Warnings
// may come before (RFC 6066 §3).
StreamStart by_tls(Bytes head) noexcept {
  constexpr int warnings_max = 4;
  constexpr std::size_t alert_bytes = 2;
  constexpr std::uint8_t warning = 1;
  for (int warnings = 0; warnings <= warnings_max; ++warnings) {
    if (head.empty()) return StreamStart::perhaps;
    const bool alert = head[0] == static_cast<std::uint8_t>(TlsContent::alert);
    if (!alert && head[0] != static_cast<std::uint8_t>(TlsContent::handshake))
      return StreamStart::none;
    if (head.size() > 1 && head[1] != 3) return StreamStart::none;
    if (head.size() <= tls_record_header_bytes) return StreamStart::perhaps;
    const auto header = parse_tls_record_header(head);
    if (!header || header->length == 0) return StreamStart::none;
    const std::uint8_t first = head[tls_record_header_bytes];
    if (alert) {
      if (header->length != alert_bytes || first != warning) return StreamStart::none;
      head = head.subspan(std::min(head.size(), tls_record_header_bytes + alert_bytes));
      continue;
    }
    switch (static_cast<TlsHandshake>(first)) {
      case TlsHandshake::client_hello:
        return StreamStart::tls_client;
      case TlsHandshake::server_hello:
        return StreamStart::tls_server;
      default:
        return StreamStart::none;
    }
  }
  return StreamStart::none;
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
  constexpr std::size_t looked_at = http_method_bytes_max + 32;
  switch (http_start(as_text(head.first(std::min(head.size(), looked_at))))) {
    case HttpStart::request:
      return StreamStart::http1_request;
    case HttpStart::response:
      return StreamStart::http1_response;
    case HttpStart::perhaps:
      return head.size() < looked_at ? StreamStart::perhaps : StreamStart::none;
    default:
      return StreamStart::none;
  }
}

// A hello by its record, its message and its version, all of which must be there and agree.
bool is_hello(Bytes bytes) noexcept {
  ByteCursor in(bytes);
  const std::uint8_t content = in.u8();
  const std::uint16_t record_version = in.be16();
  const std::size_t record = in.be16();
  const auto type = static_cast<TlsHandshake>(in.u8());
  const std::size_t message = in.be24();
  const std::uint16_t version = in.be16();
  constexpr std::uint16_t ssl_3 = 0x0300, tls_1_2 = 0x0303;
  constexpr std::size_t smallest = 2 + 32 + 1 + 2 + 1;
  return in.ok() && content == static_cast<std::uint8_t>(TlsContent::handshake) &&
         record_version >= ssl_3 && record_version <= tls_1_2 && version >= ssl_3 &&
         version <= tls_1_2 && record <= tls_record_bytes_max && message >= smallest &&
         message < std::size_t{1} << 16U && record >= smallest + tls_handshake_header_bytes &&
         (type == TlsHandshake::client_hello || type == TlsHandshake::server_hello);
}

// RFC 9112 §2.2: empty lines before a request line, and before a status line where clients allow
// it.
Preamble empty_lines(Bytes head) noexcept {
  constexpr std::size_t bytes_max = 16;
  const std::size_t text = as_text(head).find_first_not_of("\r\n");
  if (text == std::string_view::npos) return {.cut = head.size() < bytes_max};
  return {.bytes = text <= bytes_max ? text : 0};
}

}  // namespace

Preamble preamble(Bytes head) noexcept {
  if (head.empty()) return {};
  if (head[0] == 'P') return proxy_line(head);
  if (head[0] != '\r' && head[0] != '\n') return {};
  const Preamble proxy = proxy_header(head);
  return proxy.bytes != 0 || proxy.cut ? proxy : empty_lines(head);
}

std::optional<std::size_t> find_hello(Bytes payload) noexcept {
  if (!payload.empty() && by_tls(payload) != StreamStart::none) return 0;
  const auto record = static_cast<std::uint8_t>(TlsContent::handshake);
  for (auto at = payload.begin(); at != payload.end(); ++at) {
    at = std::find(at, payload.end(), record);
    if (at == payload.end()) break;
    const auto skipped = static_cast<std::size_t>(at - payload.begin());
    if (is_hello(payload.subspan(skipped))) return skipped;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> tds_packet_bytes(Bytes payload) noexcept {
  constexpr std::uint8_t prelogin = 0x12, response = 0x04;
  ByteCursor in(payload);
  const std::uint8_t type = in.u8();
  const std::uint8_t status = in.u8();
  const std::uint16_t length = in.be16();
  in.skip(3);  // process id, packet id
  const std::uint8_t window = in.u8();
  if (!in.ok() || (type != prelogin && type != response) || status > 1 || window != 0 ||
      length <= tds_header_bytes)
    return std::nullopt;
  return length;
}

std::optional<std::size_t> find_identification(Bytes payload) noexcept {
  const std::string_view text = as_text(payload);
  for (std::size_t at = text.find(ssh_identification); at != std::string_view::npos;
       at = text.find(ssh_identification, at + 1)) {
    const std::string_view version = text.substr(at + ssh_identification.size(), 2);
    if ((at == 0 || text[at - 1] == '\n') && (version == "2." || version == "1.")) return at;
  }
  return std::nullopt;
}

StreamStart detect(Bytes head) noexcept {
  if (head.empty()) return StreamStart::perhaps;
  if (head[0] == 0) return by_http2_settings(head);
  if (head[0] >= 0x80) return by_ssl2(head);
  if (head[0] <= ' ') return by_tls(head);
  const StreamStart fixed = by_fixed_text(head);
  return fixed != StreamStart::none ? fixed : by_http1(head);
}

StreamStart detect_midway(Bytes payload) noexcept {
  const StreamStart start = detect(payload);
  if (start == StreamStart::perhaps && !payload.empty() && payload[0] > ' ' && payload[0] < 0x80)
    return by_fixed_text(payload);
  if (start != StreamStart::http1_request) return start;
  const std::string_view text = as_text(payload);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    const std::size_t target = text.find_first_of(" \t") + 1;
    return text[target] == '/' ? start : StreamStart::none;
  }
  std::string_view line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return parse_http_request_line(line) ? start : StreamStart::none;
}

}  // namespace dpi
