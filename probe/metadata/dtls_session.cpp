#include "probe/metadata/dtls_session.h"

namespace dpi {
namespace {

constexpr int records_max = 16;  // looked at in one datagram
constexpr int fragments_max = 16;

}  // namespace

Bytes without_capwap_preamble(Bytes datagram) noexcept {
  constexpr std::size_t preamble_bytes = 4;
  constexpr std::uint32_t dtls = 0x0100'0000;  // version 0, type DTLS, 24 reserved bits
  ByteCursor in(datagram);
  return in.be32() == dtls ? datagram.subspan(preamble_bytes) : datagram;
}

ReadState DtlsSession::read(Side sender, Bytes datagram, AppMetadata& metadata, AnomalySet& found) {
  Direction& from = directions_[index(sender)];
  ByteCursor in(without_capwap_preamble(datagram));
  for (int records = 0; records < records_max && !from.done; ++records) {
    const auto record = next_dtls_record(in);
    if (!record) break;
    if (record->content == TlsContent::handshake && record->epoch == 0)
      take_record(from, record->payload, metadata, found);
  }
  return directions_[0].done && directions_[1].done ? ReadState::done : ReadState::more;
}

// RFC 6347 §4.2.3: several messages may share a record.
void DtlsSession::take_record(Direction& from, Bytes payload, AppMetadata& metadata,
                              AnomalySet& found) {
  ByteCursor in(payload);
  for (int fragments = 0; fragments < fragments_max && in.left() > 0 && !from.done; ++fragments) {
    const auto fragment = next_dtls_fragment(in);
    if (!fragment) {
      add(found, Anomaly::tls_record_invalid);
      return;
    }
    from.done = take_fragment(from, *fragment, metadata, found) != ReadState::more;
    if (!from.done) continue;
    from.hello.bytes.reset();
    from.certificate.bytes.reset();
  }
}

// Whether the fragment belongs to the message, which a later message of its type takes the place of
// (the ServerHello behind a request to retry); older ones were resent.
bool DtlsSession::begin(Message& message, const DtlsFragment& fragment) {
  const auto newer = static_cast<std::int16_t>(fragment.message_sequence - message.sequence);
  if (!message.bytes || newer > 0) {
    message.bytes.emplace(memory_, handshake_bytes_max);
    message.bytes->start(0);
    message.sequence = fragment.message_sequence;
    message.length = fragment.message_bytes;
    return true;
  }
  // RFC 6347 §4.2.3: all fragments of a message state its length.
  return newer == 0 && message.length == fragment.message_bytes;
}

void DtlsSession::conclude(AppMetadata& metadata) const {
  for (const Direction& from : directions_) {
    const Message& hello = from.hello;
    if (!hello.bytes || hello.type != TlsHandshake::client_hello) continue;
    const Bytes body = hello.bytes->readable();
    if (body.size() < hello.length) from.reader.look_at_part_of_hello(body, metadata);
  }
}

ReadState DtlsSession::take_fragment(Direction& from, const DtlsFragment& fragment,
                                     AppMetadata& metadata, AnomalySet& found) {
  const bool hello =
      fragment.type == TlsHandshake::client_hello || fragment.type == TlsHandshake::server_hello;
  if (fragment.type == TlsHandshake::server_hello_done)
    return from.certificate.bytes ? ReadState::more : ReadState::done;
  if (!hello && fragment.type != TlsHandshake::certificate) return ReadState::more;
  Message& message = hello ? from.hello : from.certificate;
  if (!begin(message, fragment) || fragment.offset > handshake_bytes_max) return ReadState::more;
  message.type = fragment.type;
  found |= message.bytes->add(fragment.offset, fragment.data);
  if (message.bytes->gave_up()) return ReadState::failed;
  const Bytes body = message.bytes->readable();
  return from.reader.take(fragment.type, body, message.length, metadata, found);
}

}  // namespace dpi
