#include "dissectors/quic/long_header.h"

namespace dpi {
namespace {

constexpr std::size_t connection_id_bytes_max = 20;  // RFC 9000 §17.2
constexpr std::size_t header_sample_bytes = 4 + 16;  // RFC 9001 §5.4.2

constexpr QuicVersion version_1{quic_version::v1,
                                {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
                                false,
                                nullptr};
constexpr QuicVersion version_2{quic_version::v2,
                                {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                                 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
                                true,
                                nullptr};
constexpr QuicVersion draft_29{quic_version::draft + 29,
                               {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                                0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
                               false,
                               nullptr};
constexpr QuicVersion draft_23{quic_version::draft + 23,
                               {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                                0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
                               false,
                               nullptr};
constexpr QuicVersion google_50{quic_version::q050,
                                {0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
                                 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45},
                                false,
                                nullptr,
                                true};
constexpr QuicVersion reserved{0x0a0a'0a0a, version_1.salt, false, &draft_29};

// The two type bits count from another value in version 2 (RFC 9369 §3.2).
QuicPacketType packet_type(std::uint8_t first, const QuicVersion& version) noexcept {
  const unsigned bits = first >> 4U & 3U;
  return static_cast<QuicPacketType>(version.v2_labels ? (bits + 3U) & 3U : bits);
}

// RFC 9000 §19.3.
void skip_ack(ByteCursor& in, bool with_ecn) noexcept {
  quic_variable_integer(in);  // largest
  quic_variable_integer(in);  // delay
  const std::uint64_t ranges = quic_variable_integer(in);
  quic_variable_integer(in);  // first range
  for (std::uint64_t i = 0; i < ranges && in.left() > 0; ++i) {
    quic_variable_integer(in);
    quic_variable_integer(in);
  }
  for (int i = 0; with_ecn && i < 3; ++i) quic_variable_integer(in);
}

}  // namespace

std::uint64_t quic_variable_integer(ByteCursor& in) noexcept {
  const std::uint8_t first = in.u8();
  std::uint64_t value = first & 0x3fU;
  for (unsigned more = (1U << (first >> 6U)) - 1; more > 0; --more) value = value << 8U | in.u8();
  return in.ok() ? value : 0;
}

const QuicVersion* find_quic_version(std::uint32_t number) noexcept {
  if (number == version_1.number) return &version_1;
  if (number == version_2.number) return &version_2;
  if (number >= draft_29.number && number <= quic_version::draft + 34) return &draft_29;
  if (number >= draft_23.number && number < draft_29.number) return &draft_23;
  if (number == google_50.number) return &google_50;
  if ((number & 0x0f0f'0f0fU) == reserved.number) return &reserved;
  return nullptr;
}

std::optional<QuicLongHeader> parse_quic_long_header(Bytes datagram) noexcept {
  ByteCursor in(datagram);
  const std::uint8_t first = in.u8();
  if ((first & 0x80U) == 0) return std::nullopt;
  QuicLongHeader out;
  out.version = find_quic_version(in.be32());
  if (out.version == nullptr) return std::nullopt;
  out.type = packet_type(first, *out.version);
  const std::size_t destination = in.u8();
  out.destination = in.take(destination);
  const std::size_t source = in.u8();
  out.source = in.take(source);
  if (!in.ok() || destination > connection_id_bytes_max || source > connection_id_bytes_max)
    return std::nullopt;
  if (out.type == QuicPacketType::retry) {
    out.packet = datagram;
    return out;
  }
  if (out.type == QuicPacketType::initial) {
    const std::uint64_t token = quic_variable_integer(in);
    if (token > in.left()) return std::nullopt;
    in.skip(static_cast<std::size_t>(token));
  }
  const std::uint64_t length = quic_variable_integer(in);
  if (!in.ok() || length > in.left() || length < header_sample_bytes) return std::nullopt;
  out.packet_number_at = in.position();
  out.packet = datagram.first(in.position() + static_cast<std::size_t>(length));
  return out;
}

std::optional<QuicFrames::Crypto> QuicFrames::next_crypto() noexcept {
  ByteCursor in(rest_);
  rest_ = {};
  while (in.left() > 0) {
    const std::uint8_t type = in.u8();
    switch (type) {
      case 0x00:  // PADDING
      case 0x01:  // PING
        break;
      case 0x02:
      case 0x03:
        skip_ack(in, type == 0x03);
        break;
      case 0x06: {
        Crypto out;
        out.offset = quic_variable_integer(in);
        const std::uint64_t length = quic_variable_integer(in);
        if (!in.ok() || length > in.left()) {
          ok_ = false;
          return std::nullopt;
        }
        out.data = in.take(static_cast<std::size_t>(length));
        rest_ = in.rest();
        return out;
      }
      default:  // CONNECTION_CLOSE (0x1c): nothing comes behind it that we want
        ok_ = type == 0x1c;
        return std::nullopt;
    }
  }
  ok_ = in.ok();
  return std::nullopt;
}

}  // namespace dpi
