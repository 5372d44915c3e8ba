#include "dissectors/tls/ssl2.h"

#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::uint16_t long_form = 0x8000;  // a header of two bytes, no padding
constexpr std::uint8_t client_hello_type = 1;
constexpr std::uint16_t ssl_2_0 = 0x0002;
constexpr std::size_t spec_bytes = 3;

struct Header {
  std::uint16_t record = 0;
  std::uint8_t type = 0;
  std::uint16_t version = 0;
  std::uint16_t specs = 0;
  std::uint16_t session = 0;
  std::uint16_t challenge = 0;
};

Header read_header(ByteCursor& in) noexcept {
  Header out;
  out.record = in.be16();
  out.type = in.u8();
  out.version = in.be16();
  out.specs = in.be16();
  out.session = in.be16();
  out.challenge = in.be16();
  return out;
}

bool possible(const Header& h) noexcept {
  const bool version = h.version == ssl_2_0 || (h.version >= 0x0300 && h.version <= 0x0304);
  const std::size_t length = ssl2_hello_header_bytes - 2 + h.specs + h.session + h.challenge;
  return h.record == (long_form | length) && h.type == client_hello_type && version &&
         h.specs > 0 && h.specs % spec_bytes == 0 && (h.session == 0 || h.session == 16) &&
         h.challenge >= 16 && h.challenge <= 32;
}

}  // namespace

Ssl2Start ssl2_start(Bytes head) noexcept {
  if (!head.empty() && (head[0] & 0x80U) == 0) return Ssl2Start::no;
  if (head.size() > 2 && head[2] != client_hello_type) return Ssl2Start::no;
  if (head.size() > 3 && head[3] != 0 && head[3] != 3) return Ssl2Start::no;
  if (head.size() < ssl2_hello_header_bytes) return Ssl2Start::perhaps;
  return ssl2_hello_bytes(head) != 0 ? Ssl2Start::client_hello : Ssl2Start::no;
}

std::size_t ssl2_hello_bytes(Bytes head) noexcept {
  ByteCursor in(head);
  const Header header = read_header(in);
  return in.ok() && possible(header) ? std::size_t{header.record} - long_form + 2 : 0;
}

std::optional<ClientHello> parse_ssl2_client_hello(Bytes record) {
  ByteCursor in(record);
  const Header header = read_header(in);
  ByteCursor specs(in.take(header.specs));
  in.skip(std::size_t{header.session} + header.challenge);
  if (!in.ok() || !possible(header)) return std::nullopt;
  ClientHello out;
  out.legacy_version = header.version;
  while (specs.left() >= spec_bytes) {
    const bool tls = specs.u8() == 0;
    const std::uint16_t suite = specs.be16();
    if (tls) out.ciphers.push_back(suite);
  }
  return out;
}

}  // namespace dpi
