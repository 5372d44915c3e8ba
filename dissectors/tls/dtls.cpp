#include "dissectors/tls/dtls.h"

namespace dpi {

std::optional<DtlsRecord> next_dtls_record(ByteCursor& in) noexcept {
  ByteCursor ahead = in;
  DtlsRecord out;
  const std::uint8_t content = ahead.u8();
  out.version = ahead.be16();
  out.epoch = ahead.be16();
  ahead.skip(6);  // sequence number
  const std::uint16_t length = ahead.be16();
  out.payload = ahead.take(length);
  const bool known = out.version == dtls_version::v1_0 || out.version == dtls_version::v1_2;
  if (!ahead.ok() || content < 20 || content > 23 || !known || length > tls_record_bytes_max)
    return std::nullopt;
  out.content = static_cast<TlsContent>(content);
  in = ahead;
  return out;
}

std::optional<DtlsFragment> next_dtls_fragment(ByteCursor& in) noexcept {
  ByteCursor ahead = in;
  DtlsFragment out;
  out.type = static_cast<TlsHandshake>(ahead.u8());
  out.message_bytes = ahead.be24();
  out.message_sequence = ahead.be16();
  out.offset = ahead.be24();
  out.data = ahead.take(ahead.be24());
  if (!ahead.ok() || out.offset + out.data.size() > out.message_bytes) return std::nullopt;
  in = ahead;
  return out;
}

bool dtls_begins(Bytes datagram) noexcept {
  ByteCursor in(datagram);
  const auto record = next_dtls_record(in);
  if (!record || record->content != TlsContent::handshake || record->epoch != 0) return false;
  ByteCursor fragments(record->payload);
  const auto fragment = next_dtls_fragment(fragments);
  return fragment && (fragment->type == TlsHandshake::client_hello ||
                      fragment->type == TlsHandshake::server_hello ||
                      fragment->type == TlsHandshake::hello_verify_request);
}

}  // namespace dpi
