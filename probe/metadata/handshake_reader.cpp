#include "probe/metadata/handshake_reader.h"

#include "dissectors/tls/certificate.h"
#include "dissectors/tls/cipher_suite.h"
#include "dissectors/tls/fingerprint.h"
#include "dissectors/tls/handshake.h"
#include "probe/base/byte_cursor.h"
#include "probe/crypto/digest.h"

namespace dpi {
namespace {

constexpr std::size_t ja4_digits = 12;

std::string md5_hex(std::string_view text) {
  return hex(md5(as_bytes(text)));
}

std::string ja4_digest(std::string_view text) {
  if (text.empty()) return std::string(ja4_digits, '0');
  return hex(sha256({as_bytes(text)})).substr(0, ja4_digits);
}

std::string joined(const std::vector<Bytes>& names) {
  std::string out;
  for (const Bytes name : names) {
    if (out.size() > metadata_limit::alpn) break;
    if (!out.empty()) out.push_back(',');
    out += as_text(name);
  }
  return out;
}

void take_certificate(Bytes der, AppMetadata& metadata, AnomalySet& found) {
  metadata.certificate_sha256 = sha256({der});
  const auto facts = parse_certificate(der);
  if (!facts) {
    add(found, Anomaly::tls_certificate_invalid);
    return;
  }
  keep_text(metadata.certificate_subject, as_bytes(facts->subject),
            metadata_limit::certificate_name);
  keep_text(metadata.certificate_issuer, as_bytes(facts->issuer), metadata_limit::certificate_name);
  metadata.certificate_not_before = facts->not_before;
  metadata.certificate_not_after = facts->not_after;
}

ReadState certificate(Bytes body, std::size_t message_bytes, AppMetadata& metadata,
                      AnomalySet& found) {
  const FirstCertificate first = first_certificate(body, message_bytes);
  switch (first.outcome) {
    case FirstCertificate::Outcome::more:
      return ReadState::more;
    case FirstCertificate::Outcome::found:
      take_certificate(first.der, metadata, found);
      return ReadState::done;
    case FirstCertificate::Outcome::malformed:
      add(found, Anomaly::tls_certificate_invalid);
      return ReadState::failed;
    default:
      return ReadState::done;
  }
}

}  // namespace

ReadState HandshakeReader::client_hello(Bytes body, AppMetadata& metadata,
                                        AnomalySet& found) const {
  const auto hello = parse_client_hello(body, carrier_);
  if (!hello) {
    look_at_part_of_hello(body, metadata);
    add(found, Anomaly::tls_hello_invalid);
    return ReadState::failed;
  }
  take_client_hello(*hello, metadata);
  return ReadState::done;
}

void HandshakeReader::look_at_part(Bytes messages, AppMetadata& metadata) const {
  ByteCursor in(messages);
  const auto type = static_cast<TlsHandshake>(in.u8());
  const std::size_t length = in.be24();
  const bool is_part = in.left() < length && in.position() + length <= handshake_bytes_max;
  if (in.ok() && type == TlsHandshake::client_hello && is_part)
    look_at_part_of_hello(in.rest(), metadata);
}

void HandshakeReader::look_at_part_of_hello(Bytes body, AppMetadata& metadata) const {
  const ClientHello hello = begin_client_hello(body, carrier_);
  if (!hello.server_name.empty())
    keep_text(metadata.server_name, hello.server_name, metadata_limit::server_name);
  keep_text(metadata.alpn_offered, as_bytes(joined(hello.alpn)), metadata_limit::alpn);
}

void HandshakeReader::take_client_hello(const ClientHello& hello, AppMetadata& metadata) const {
  if (!hello.server_name.empty())
    keep_text(metadata.server_name, hello.server_name, metadata_limit::server_name);
  keep_text(metadata.alpn_offered, as_bytes(joined(hello.alpn)), metadata_limit::alpn);
  metadata.ja3 = md5_hex(ja3_text(hello));
  const Ja4Parts ja4 = ja4_parts(hello, carrier_);
  metadata.ja4 = ja4.head + "_" + ja4_digest(ja4.ciphers) + "_" + ja4_digest(ja4.extensions);
}

ReadState HandshakeReader::server_hello(Bytes body, AppMetadata& metadata, AnomalySet& found) {
  const auto hello = parse_server_hello(body);
  if (!hello) {
    add(found, Anomaly::tls_hello_invalid);
    return ReadState::failed;
  }
  metadata.tls_version = tls_version_name(hello->version());
  metadata.tls_cipher = tls_cipher_name(hello->cipher);
  metadata.ja3s = md5_hex(ja3s_text(*hello));
  keep_text(metadata.alpn_chosen, hello->alpn, metadata_limit::alpn);
  retry_requested_ = hello->hello_retry_request;
  const bool encrypted = carrier_ == TlsCarrier::quic || hello->encrypts_certificate();
  return encrypted && !retry_requested_ ? ReadState::done : ReadState::more;
}

ReadState HandshakeReader::take(TlsHandshake type, Bytes body, std::size_t length,
                                AppMetadata& metadata, AnomalySet& found) {
  if (type == TlsHandshake::certificate) return certificate(body, length, metadata, found);
  if (body.size() < length) {
    if (length + tls_handshake_header_bytes <= handshake_bytes_max) return ReadState::more;
    add(found, Anomaly::tls_hello_too_long);
    return ReadState::failed;
  }
  if (type == TlsHandshake::client_hello) return client_hello(body, metadata, found);
  if (type == TlsHandshake::server_hello) return server_hello(body, metadata, found);
  return type == TlsHandshake::server_hello_done ? ReadState::done : ReadState::more;
}

ReadState HandshakeReader::read(ByteStream& messages, AppMetadata& metadata, AnomalySet& found) {
  while (true) {
    ByteCursor in(messages.readable());
    const auto type = static_cast<TlsHandshake>(in.u8());
    const std::size_t length = in.be24();
    if (!in.ok()) return ReadState::more;
    const bool whole = in.left() >= length;
    const ReadState outcome =
        take(type, whole ? in.take(length) : in.rest(), length, metadata, found);
    if (!whole || outcome != ReadState::more) return outcome;
    messages.consume(tls_handshake_header_bytes + length);
  }
}

}  // namespace dpi
