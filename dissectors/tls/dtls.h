// DTLS records and handshake fragments (RFC 6347 §4.1 and §4.2.2; those of DTLS 1.3 in plain text,
// RFC 9147 §4 and §5.2, look the same). Nothing here keeps state.
//
//  type(1) version(2) epoch(2) sequence number(6) length(2) | fragment …
//
//  msg_type(1) length(3) message_seq(2) fragment_offset(3) fragment_length(3) | body …
#pragma once

#include <cstdint>
#include <optional>

#include "dissectors/tls/handshake.h"
#include "probe/base/byte_cursor.h"

namespace dpi {

namespace dtls_version {
inline constexpr std::uint16_t v1_0 = 0xfeff, v1_2 = 0xfefd, v1_3 = 0xfefc;
}  // namespace dtls_version

inline constexpr std::size_t dtls_record_header_bytes = 13;
inline constexpr std::size_t dtls_fragment_header_bytes = 12;

struct DtlsRecord {
  TlsContent content = TlsContent::handshake;
  std::uint16_t version = 0;
  std::uint16_t epoch = 0;  // 0: not encrypted
  Bytes payload;
};
// The record at the head of `in`, which moves behind it. Nothing, and `in` stays, when the bytes
// are too few or no such record; those that DTLS 1.3 encrypts have another header (RFC 9147 §4).
[[nodiscard]] std::optional<DtlsRecord> next_dtls_record(ByteCursor& in) noexcept;

struct DtlsFragment {
  TlsHandshake type = TlsHandshake::client_hello;
  std::uint32_t message_bytes = 0;
  std::uint16_t message_sequence = 0;
  std::uint32_t offset = 0;
  Bytes data;
};
// The handshake fragment at the head of `in`, as above; one that lies outside its message is none.
[[nodiscard]] std::optional<DtlsFragment> next_dtls_fragment(ByteCursor& in) noexcept;

// Whether a datagram begins with a whole record in plain text that a hello, or the request for
// another one, begins.
[[nodiscard]] bool dtls_begins(Bytes datagram) noexcept;

}  // namespace dpi
