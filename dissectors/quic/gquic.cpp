#include "dissectors/quic/gquic.h"

#include <algorithm>

#include "dissectors/quic/long_header.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

constexpr std::string_view hello_tag = "CHLO";
constexpr std::size_t tags_max = 128;  // the specification's kMaxEntries
constexpr std::size_t hash_bytes = 12;
constexpr std::size_t connection_id_bytes = 8;

bool is_version(Bytes version, int from, int to) noexcept {
  if (version.size() != 4 || version[0] != 'Q' || version[1] != '0') return false;
  const int number = (version[2] - '0') * 10 + (version[3] - '0');
  return version[2] >= '0' && version[2] <= '9' && version[3] >= '0' && version[3] <= '9' &&
         number >= from && number <= to;
}

// Moves `in` to the hash in front of the frames.
Bytes public_header(ByteCursor& in) noexcept {
  constexpr std::uint8_t with_version = 0x01;
  constexpr std::uint8_t reset = 0x02;
  constexpr std::uint8_t with_connection_id = 0x08;
  const std::uint8_t flags = in.u8();
  if ((flags & 0x83U) != with_version || (flags & with_connection_id) == 0 || (flags & reset) != 0)
    return {};
  in.skip(connection_id_bytes);
  const Bytes version = in.take(4);
  constexpr std::array<std::size_t, 4> number_bytes{1, 2, 4, 6};
  in.skip(number_bytes[flags >> 4U & 3U]);
  return is_version(version, 24, 43) ? version : Bytes{};
}

// As the drafts of the IETF had it then: both lengths in one byte, less three where not zero.
Bytes long_header(ByteCursor& in) noexcept {
  const std::uint8_t first = in.u8();
  const Bytes version = in.take(4);
  const std::uint8_t lengths = in.u8();
  const auto id_bytes = [](unsigned nibble) { return nibble == 0 ? 0U : nibble + 3U; };
  in.skip(id_bytes(lengths >> 4U) + id_bytes(lengths & 15U));
  in.skip((first & 3U) + 1U);
  return is_version(version, 46, 46) ? version : Bytes{};
}

// The data of the STREAM frame that carries the handshake: the first frame of the packet, or behind
// padding. 1|fin|data length present|offset length(3)|stream id length(2).
Bytes handshake_data(ByteCursor& in) noexcept {
  constexpr std::uint8_t padding = 0x00;
  constexpr std::uint8_t ping = 0x07;
  std::uint8_t type = padding;
  while (in.left() > 0 && (type == padding || type == ping)) type = in.u8();
  if ((type & 0x80U) == 0) return {};
  const Bytes stream = in.take((type & 3U) + 1U);
  const std::size_t offset = type >> 2U & 7U;
  in.skip(offset == 0 ? 0 : offset + 1);
  const bool has_length = (type & 0x20U) != 0;
  // Integers are little endian before Q039; a length that the packet does not hold is the rest.
  if (has_length) in.skip(2);
  const bool handshake =
      in.ok() && std::count(stream.begin(), stream.end(), 1) == 1 &&
      std::count(stream.begin(), stream.end(), 0) + 1 == static_cast<std::ptrdiff_t>(stream.size());
  return handshake ? in.rest() : Bytes{};
}

}  // namespace

std::optional<Bytes> gquic_hello_value(Bytes message, std::string_view tag) noexcept {
  ByteCursor in(message);
  if (as_text(in.take(hello_tag.size())) != hello_tag) return std::nullopt;
  const std::size_t tags = in.le16();
  in.skip(2);
  ByteCursor index(in.take(tags * 8));
  if (!in.ok() || tags == 0 || tags > tags_max) return std::nullopt;
  const Bytes values = in.rest();
  std::size_t begin = 0;
  Bytes found;
  while (index.left() > 0) {
    std::string_view name = as_text(index.take(4));
    const std::size_t end = index.le32();
    if (end < begin) return std::nullopt;
    name = name.substr(0, name.find('\0'));
    if (name == tag && end <= values.size()) found = values.subspan(begin, end - begin);
    begin = end;
  }
  return found;
}

std::optional<GquicHello> parse_gquic_hello(Bytes datagram) noexcept {
  if (datagram.empty()) return std::nullopt;
  ByteCursor in(datagram);
  const Bytes version = (datagram[0] & 0x80U) != 0 ? long_header(in) : public_header(in);
  if (version.empty()) return std::nullopt;
  in.skip(hash_bytes);
  constexpr std::uint8_t in_group = 0x02;
  if (is_version(version, 24, 33) && (in.u8() & in_group) != 0) in.skip(1);
  const auto server_name = gquic_hello_value(handshake_data(in), "SNI");
  if (!server_name) return std::nullopt;
  GquicHello out;
  std::copy(version.begin(), version.end(), out.version.begin());
  out.server_name = *server_name;
  return out;
}

Bytes gquic_crypto_message(Bytes frames) noexcept {
  constexpr std::uint8_t crypto = 0x08;
  constexpr std::uint8_t padding = 0x00;
  ByteCursor in(frames);
  std::uint8_t type = padding;
  while (in.left() > 0 && type == padding) type = in.u8();
  if (type != crypto) return {};
  quic_variable_integer(in);  // offset
  const std::uint64_t length = quic_variable_integer(in);
  if (!in.ok() || length > in.left()) return {};
  return in.take(static_cast<std::size_t>(length));
}

}  // namespace dpi
