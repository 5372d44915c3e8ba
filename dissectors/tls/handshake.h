// TLS 1.0–1.3 records and the hellos (RFC 5246, RFC 8446). Lists keep the wire's order; nothing
// here keeps state, and every list is bounded by the message it comes from.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "probe/base/bytes.h"

namespace dpi {

inline constexpr std::size_t tls_record_header_bytes = 5;
// RFC 5246 §6.2.3: 2^14 + 2048 with compression and encryption.
inline constexpr std::size_t tls_record_bytes_max = 16'384 + 2048;
inline constexpr std::size_t tls_handshake_header_bytes = 4;

enum class TlsContent : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

struct TlsRecordHeader {
  TlsContent content = TlsContent::handshake;
  std::uint16_t version = 0;
  std::uint16_t length = 0;  // of what follows the header
};
// Nothing when the bytes are too few or no TLS record.
[[nodiscard]] std::optional<TlsRecordHeader> parse_tls_record_header(Bytes bytes) noexcept;

// What carries the handshake; in datagrams (DTLS) hellos have a field more and other versions.
enum class TlsCarrier : std::uint8_t { stream, datagrams, quic };

enum class TlsHandshake : std::uint8_t {
  client_hello = 1,
  server_hello = 2,
  hello_verify_request = 3,  // DTLS
  new_session_ticket = 4,
  certificate = 11,
  server_hello_done = 14,
};

struct ClientHello {
  std::uint16_t legacy_version = 0;
  std::vector<std::uint16_t> ciphers;
  std::vector<std::uint16_t> extensions;
  std::vector<std::uint16_t> groups;
  std::vector<std::uint8_t> point_formats;
  std::vector<std::uint16_t> signature_algorithms;
  std::vector<std::uint16_t> supported_versions;
  std::vector<Bytes> alpn;
  bool has_server_name = false;  // the extension is there
  Bytes server_name;             // of its first host_name
};

struct ServerHello {
  std::uint16_t legacy_version = 0;
  std::uint16_t cipher = 0;
  std::vector<std::uint16_t> extensions;
  std::uint16_t supported_version = 0;  // 0: no such extension
  Bytes alpn;                           // what the server chose; empty: not said here
  bool hello_retry_request = false;     // RFC 8446 §4.1.4

  [[nodiscard]] std::uint16_t version() const noexcept {
    return supported_version != 0 ? supported_version : legacy_version;
  }
  // From TLS 1.3 on (and in its drafts 0x7fxx) what follows is encrypted, certificates too. Numbers
  // of DTLS count down from 0xfeff.
  [[nodiscard]] bool encrypts_certificate() const noexcept {
    constexpr std::uint16_t tls_1_3 = 0x0304;
    constexpr std::uint16_t dtls_1_3 = 0xfefc;
    constexpr std::uint16_t dtls_first = 0xfe00;
    return version() >= dtls_first ? version() <= dtls_1_3 : version() >= tls_1_3;
  }
};

// Of a handshake message without its header. Nothing when the message contradicts its own lengths.
// Spans point into it.
[[nodiscard]] std::optional<ClientHello> parse_client_hello(
    Bytes body, TlsCarrier carrier = TlsCarrier::stream);
// What the beginning of a longer ClientHello tells: its whole extensions.
[[nodiscard]] ClientHello begin_client_hello(Bytes body, TlsCarrier carrier = TlsCarrier::stream);
[[nodiscard]] std::optional<ServerHello> parse_server_hello(Bytes body);

// The first certificate of a Certificate message (RFC 5246 §7.4.2), of which `body` is at least the
// beginning; `more`: it is not all here yet.
struct FirstCertificate {
  enum class Outcome : std::uint8_t { found, none, more, malformed };
  Outcome outcome = Outcome::none;
  Bytes der;
};
[[nodiscard]] FirstCertificate first_certificate(Bytes body, std::size_t message_bytes) noexcept;

}  // namespace dpi
