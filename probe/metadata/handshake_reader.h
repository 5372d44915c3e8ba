// TLS handshake messages, out of records, QUIC's CRYPTO frames or DTLS fragments → metadata.
#pragma once

#include "dissectors/tls/handshake.h"
#include "probe/metadata/app_metadata.h"
#include "probe/metadata/stream_reader.h"
#include "probe/stream/byte_stream.h"

namespace dpi {

// Bytes of one message that are kept; of a longer Certificate message its first certificate counts.
inline constexpr std::size_t handshake_bytes_max = 32U << 10U;

class HandshakeReader {
 public:
  explicit HandshakeReader(TlsCarrier carrier) noexcept : carrier_(carrier) {}
  // done: this direction says nothing more in plain text that we want.
  ReadState read(ByteStream& messages, AppMetadata& metadata, AnomalySet& found);
  // One message of `length` bytes without its header, of which `body` is the beginning.
  ReadState take(TlsHandshake type, Bytes body, std::size_t length, AppMetadata& metadata,
                 AnomalySet& found);
  void take_client_hello(const ClientHello& hello, AppMetadata& metadata) const;
  // A ClientHello whose rest was lost or cut off: of `messages`, with its header, or its body
  // alone.
  void look_at_part(Bytes messages, AppMetadata& metadata) const;
  void look_at_part_of_hello(Bytes body, AppMetadata& metadata) const;
  // A HelloRetryRequest was the last message.
  [[nodiscard]] bool retry_requested() const noexcept { return retry_requested_; }

 private:
  ReadState client_hello(Bytes body, AppMetadata& metadata, AnomalySet& found) const;
  ReadState server_hello(Bytes body, AppMetadata& metadata, AnomalySet& found);

  TlsCarrier carrier_;
  bool retry_requested_ = false;
};

}  // namespace dpi
