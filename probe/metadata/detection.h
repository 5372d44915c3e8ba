// Which protocol a stream begins with, by its bytes alone; ports say nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "dissectors/proxy_header.h"
#include "probe/base/bytes.h"

namespace dpi {

enum class StreamStart : std::uint8_t {
  none,
  perhaps,  // too few bytes to tell
  tls_client,
  tls_server,
  http1_request,
  http1_response,
  http2_client,
  http2_server,
  ssh,
};

[[nodiscard]] StreamStart detect(Bytes head) noexcept;

// What may stand before any of them: the PROXY protocol's line or header, empty lines.
[[nodiscard]] Preamble preamble(Bytes head) noexcept;

// The same of a segment in the middle of a stream, where a word and a space are no request line.
[[nodiscard]] StreamStart detect_midway(Bytes payload) noexcept;

// Where in a segment a TLS hello begins, behind whatever greeting: STARTTLS, a database's one byte,
// a proxy's request. At its head the beginning of a hello is enough.
[[nodiscard]] std::optional<std::size_t> find_hello(Bytes payload) noexcept;
// SQL Server carries the handshake in packets of its own (MS-TDS §2.2.3, §2.2.6.5): the size of the
// one that begins with these bytes. What comes behind it is no TLS.
inline constexpr std::size_t tds_header_bytes = 8;
[[nodiscard]] std::optional<std::uint32_t> tds_packet_bytes(Bytes payload) noexcept;
// Where the line of an SSH identification begins: a server may send others before (RFC 4253 §4.2).
[[nodiscard]] std::optional<std::size_t> find_identification(Bytes payload) noexcept;

}  // namespace dpi
