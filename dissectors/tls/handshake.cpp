#include "dissectors/tls/handshake.h"

#include <algorithm>
#include <array>

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

namespace extension {
constexpr std::uint16_t server_name = 0, supported_groups = 10, ec_point_formats = 11,
                        signature_algorithms = 13, alpn = 16, supported_versions = 43;
}  // namespace extension

// SHA-256 of "HelloRetryRequest", the random of such a ServerHello (RFC 8446 §4.1.3).
constexpr std::array<std::uint8_t, 32> retry_random{
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

std::vector<std::uint16_t> list16(Bytes bytes) {
  std::vector<std::uint16_t> out;
  out.reserve(bytes.size() / 2);
  ByteCursor in(bytes);
  while (in.left() >= 2) out.push_back(in.be16());
  return out;
}

// RFC 6066 §3.
void read_server_name(Bytes data, ClientHello& hello) {
  hello.has_server_name = true;
  ByteCursor in(data);
  ByteCursor names(in.take(in.be16()));
  while (names.left() >= 3) {
    const std::uint8_t type = names.u8();
    const Bytes name = names.take(names.be16());
    if (!names.ok()) return;
    if (type == 0) {
      hello.server_name = name;
      return;
    }
  }
}

// RFC 7301 §3.1.
std::vector<Bytes> read_alpn(Bytes data) {
  std::vector<Bytes> out;
  ByteCursor in(data);
  ByteCursor names(in.take(in.be16()));
  while (names.left() >= 1) {
    const Bytes name = names.take(names.u8());
    if (!names.ok()) break;
    out.push_back(name);
  }
  return out;
}

void read_client_extension(std::uint16_t type, Bytes data, ClientHello& hello) {
  ByteCursor in(data);
  switch (type) {
    case extension::server_name:
      read_server_name(data, hello);
      break;
    case extension::supported_groups:
      hello.groups = list16(in.take(in.be16()));
      break;
    case extension::ec_point_formats: {
      const Bytes formats = in.take(in.u8());
      hello.point_formats.assign(formats.begin(), formats.end());
      break;
    }
    case extension::signature_algorithms:
      hello.signature_algorithms = list16(in.take(in.be16()));
      break;
    case extension::alpn:
      hello.alpn = read_alpn(data);
      break;
    case extension::supported_versions:
      hello.supported_versions = list16(in.take(in.u8()));
      break;
    default:
      break;
  }
}

void read_server_extension(std::uint16_t type, Bytes data, ServerHello& hello) {
  ByteCursor in(data);
  if (type == extension::supported_versions) {
    hello.supported_version = in.be16();
  } else if (type == extension::alpn) {
    const std::vector<Bytes> names = read_alpn(data);
    if (!names.empty()) hello.alpn = names[0];
  }
}

// Calls read(type, data) for each; false when a length does not fit.
template <class Read>
bool read_extensions(ByteCursor& in, Read read) {
  if (in.left() == 0) return true;  // before TLS 1.2 a hello may end here
  ByteCursor extensions(in.take(in.be16()));
  while (in.ok() && extensions.left() > 0) {
    const std::uint16_t type = extensions.be16();
    const Bytes data = extensions.take(extensions.be16());
    if (!extensions.ok()) return false;
    read(type, data);
  }
  return in.ok();
}

}  // namespace

std::optional<TlsRecordHeader> parse_tls_record_header(Bytes bytes) noexcept {
  ByteCursor in(bytes);
  const std::uint8_t content = in.u8();
  TlsRecordHeader out;
  out.version = in.be16();
  out.length = in.be16();
  if (!in.ok() || content < 20 || content > 23 || out.version >> 8U != 3 ||
      out.length > tls_record_bytes_max) {
    return std::nullopt;
  }
  out.content = static_cast<TlsContent>(content);
  return out;
}

namespace {

// Up to its extensions.
ClientHello read_client_hello(ByteCursor& in, TlsCarrier carrier) {
  ClientHello out;
  out.legacy_version = in.be16();
  in.skip(32);
  in.skip(in.u8());                                        // session id
  if (carrier == TlsCarrier::datagrams) in.skip(in.u8());  // cookie, RFC 6347 §4.2.1
  out.ciphers = list16(in.take(in.be16()));
  in.skip(in.u8());  // compression methods
  return out;
}

}  // namespace

std::optional<ClientHello> parse_client_hello(Bytes body, TlsCarrier carrier) {
  ByteCursor in(body);
  ClientHello out = read_client_hello(in, carrier);
  if (!in.ok()) return std::nullopt;
  const bool whole = read_extensions(in, [&](std::uint16_t type, Bytes data) {
    out.extensions.push_back(type);
    read_client_extension(type, data, out);
  });
  if (!whole) return std::nullopt;
  return out;
}

ClientHello begin_client_hello(Bytes body, TlsCarrier carrier) {
  ByteCursor in(body);
  ClientHello out = read_client_hello(in, carrier);
  in.skip(2);  // length of all extensions
  while (in.ok()) {
    const std::uint16_t type = in.be16();
    const Bytes data = in.take(in.be16());
    if (in.ok()) read_client_extension(type, data, out);
  }
  return out;
}

std::optional<ServerHello> parse_server_hello(Bytes body) {
  ByteCursor in(body);
  ServerHello out;
  out.legacy_version = in.be16();
  const Bytes random = in.take(32);
  // Drafts of TLS 1.3 before 22 left session id and compression out of this message.
  const bool old_draft = out.legacy_version >> 8U == 0x7f;
  if (!old_draft) in.skip(in.u8());
  out.cipher = in.be16();
  if (!old_draft) in.skip(1);
  if (!in.ok()) return std::nullopt;
  out.hello_retry_request =
      std::equal(random.begin(), random.end(), retry_random.begin(), retry_random.end());
  const bool whole = read_extensions(in, [&](std::uint16_t type, Bytes data) {
    out.extensions.push_back(type);
    read_server_extension(type, data, out);
  });
  if (!whole) return std::nullopt;
  return out;
}

FirstCertificate first_certificate(Bytes body, std::size_t message_bytes) noexcept {
  using Outcome = FirstCertificate::Outcome;
  if (message_bytes < 3) return {Outcome::malformed, {}};
  if (message_bytes < 6) return {Outcome::none, {}};
  if (body.size() < 6) return {Outcome::more, {}};
  ByteCursor in(body);
  const std::size_t list = in.be24();
  const std::size_t length = in.be24();
  if (list == 0) return {Outcome::none, {}};
  if (list + 3 > message_bytes || length + 3 > list || length == 0) return {Outcome::malformed, {}};
  const Bytes der = in.take(length);
  if (!in.ok()) return {Outcome::more, {}};
  return {Outcome::found, der};
}

}  // namespace dpi
