// TLS handshake messages in order, out of records or out of QUIC's CRYPTO frames → metadata.
#pragma once

#include "probe/metadata/app_metadata.h"
#include "probe/metadata/stream_reader.h"
#include "probe/stream/byte_stream.h"

namespace dpi {

// Bytes of one message that are kept; of a longer Certificate message its first certificate counts.
inline constexpr std::size_t handshake_bytes_max = 32U << 10U;

class HandshakeReader {
 public:
  explicit HandshakeReader(bool quic) noexcept : quic_(quic) {}
  // done: this direction says nothing more in plain text that we want.
  ReadState read(ByteStream& messages, AppMetadata& metadata, AnomalySet& found);
  // A HelloRetryRequest was the last message.
  [[nodiscard]] bool retry_requested() const noexcept { return retry_requested_; }

 private:
  ReadState client_hello(Bytes body, AppMetadata& metadata, AnomalySet& found) const;
  ReadState server_hello(Bytes body, AppMetadata& metadata, AnomalySet& found);

  bool quic_;
  bool retry_requested_ = false;
};

}  // namespace dpi
