#include "probe/metadata/quic_session.h"

#include <algorithm>
#include <utility>

#include "dissectors/quic/gquic.h"

namespace dpi {
namespace {

constexpr int packets_max = 8;    // looked at in one datagram
constexpr int attempts_max = 48;  // packets that are tried to be opened, of one flow
constexpr std::size_t packet_bytes_max = 65'535;
constexpr std::size_t early_bytes_max = 1'500;

}  // namespace

// RFC 9001 §5.2; other salt and labels in version 2 (RFC 9369 §3.3).
QuicInitialKeys quic_initial_keys(const QuicVersion& version, Bytes destination, bool client) {
  const Digest initial = hkdf_extract(version.salt, destination);
  Digest secret{};
  hkdf_expand_label(initial, client ? "client in" : "server in", secret);
  QuicInitialKeys out;
  hkdf_expand_label(secret, version.v2_labels ? "quicv2 key" : "quic key", out.key);
  hkdf_expand_label(secret, version.v2_labels ? "quicv2 iv" : "quic iv", out.iv);
  hkdf_expand_label(secret, version.v2_labels ? "quicv2 hp" : "quic hp", out.header);
  return out;
}

// RFC 9001 §5.3 and §5.4. A client's first packet numbers are small: the number is taken as sent.
std::optional<Bytes> open_quic_initial(const QuicInitialKeys& keys, const QuicLongHeader& header) {
  constexpr std::size_t sample_behind = 4;
  constexpr std::uint8_t protected_bits = 0x0f;
  thread_local ByteBuffer associated;
  thread_local ByteBuffer frames;
  AesBlock sample{};
  std::copy_n(
      header.packet.begin() + static_cast<std::ptrdiff_t>(header.packet_number_at + sample_behind),
      sample.size(), sample.begin());
  const AesBlock mask = aes128_encrypt_block(keys.header, sample);
  const auto first = static_cast<std::uint8_t>(header.packet[0] ^ (mask[0] & protected_bits));
  const std::size_t number_bytes = (first & 3U) + 1U;
  const std::size_t header_bytes = header.packet_number_at + number_bytes;
  const Bytes sealed = header.packet.subspan(header_bytes);
  if (sealed.size() < gcm_tag_bytes || sealed.size() > packet_bytes_max) return std::nullopt;
  associated.assign(header.packet.begin(),
                    header.packet.begin() + static_cast<std::ptrdiff_t>(header_bytes));
  associated[0] = first;
  GcmNonce nonce = keys.iv;
  for (std::size_t i = 0; i < number_bytes; ++i) {
    std::uint8_t& b = associated[header.packet_number_at + i];
    b ^= mask[1 + i];
    nonce[nonce.size() - number_bytes + i] ^= b;
  }
  frames.resize(sealed.size() - gcm_tag_bytes);
  if (!aes128_gcm_open(keys.key, nonce, associated, sealed, frames)) return std::nullopt;
  return Bytes{frames};
}

QuicSession::QuicSession(StreamMemory& memory) noexcept
    : directions_{Direction{memory}, Direction{memory}} {}

// The keys that the client used before, else those that this packet's own connection id gives: its
// first packet, or the first after a Retry (RFC 9001 §5.2).
std::optional<Bytes> QuicSession::open_of_client(Direction& from, Side sender,
                                                 const QuicLongHeader& header) {
  if (from.version == header.version) {
    if (const auto frames = open_quic_initial(from.keys, header)) return frames;
  }
  for (const QuicVersion* v = header.version; v != nullptr; v = v->alternative) {
    const QuicInitialKeys keys = quic_initial_keys(*v, header.destination, true);
    const auto frames = open_quic_initial(keys, header);
    if (!frames) continue;
    client_ = sender;
    from.version = header.version;
    from.keys = keys;
    first_destination_.assign(header.destination);
    directions_[index(other(sender))].version = nullptr;
    return frames;
  }
  return std::nullopt;
}

std::optional<Bytes> QuicSession::open(Side sender, const QuicLongHeader& header) {
  Direction& from = directions_[index(sender)];
  if (!client_ || sender == *client_) return open_of_client(from, sender, header);
  // A server may answer in another version, under the client's first connection id (RFC 9369 §4.1).
  if (from.version != header.version) {
    from.version = header.version;
    from.keys = quic_initial_keys(*header.version, first_destination_.view(), false);
  }
  return open_quic_initial(from.keys, header);
}

// RFC 9001 §5.2: from here on the keys follow from the connection id that the server chose.
void QuicSession::take_retry(Side sender, const QuicLongHeader& header) noexcept {
  if (!client_ || sender == *client_ || retried_) return;  // RFC 9000 §17.2.5.2: one at most
  retried_ = true;
  first_destination_.assign(header.source);
  for (Direction& each : directions_) each.version = nullptr;
}

void QuicSession::take_frames(Direction& from, Bytes frames, AppMetadata& metadata,
                              AnomalySet& found) {
  QuicFrames walk(frames);
  while (const auto crypto = walk.next_crypto()) {
    if (crypto->offset > handshake_bytes_max) continue;
    found |= from.messages.add(static_cast<std::uint32_t>(crypto->offset), crypto->data);
  }
  if (!walk.ok()) add(found, Anomaly::quic_frame_invalid);
  const ReadState outcome = from.messages.gave_up()
                                ? ReadState::failed
                                : from.reader.read(from.messages, metadata, found);
  from.done = outcome != ReadState::more;
}

// Q050 keeps its predecessors' handshake: the client's hello is all that is read of it.
void QuicSession::take_google_frames(Bytes frames, AppMetadata& metadata) {
  if (const auto name = gquic_hello_value(gquic_crypto_message(frames), "SNI")) {
    metadata.tls_version = "Q050";
    keep_text(metadata.server_name, *name, metadata_limit::server_name);
    for (Direction& each : directions_) each.done = true;
  }
}

void QuicSession::take_packet(Side sender, const QuicLongHeader& header, Bytes frames,
                              AppMetadata& metadata, AnomalySet& found) {
  if (header.version->google_crypto) {
    take_google_frames(frames, metadata);
  } else {
    take_frames(directions_[index(sender)], frames, metadata, found);
  }
}

// RFC 9001 §5.2: the client's first packet gives the keys of both sides.
void QuicSession::take_early(AppMetadata& metadata, AnomalySet& found) {
  const ByteBuffer packet = std::exchange(early_, {});
  const auto header = parse_quic_long_header(packet);
  if (!header || early_sender_ == *client_ || directions_[index(early_sender_)].done) return;
  if (const auto frames = open(early_sender_, *header))
    take_packet(early_sender_, *header, *frames, metadata, found);
}

ReadState QuicSession::read(Side sender, Bytes datagram, AppMetadata& metadata, AnomalySet& found) {
  Direction& from = directions_[index(sender)];
  for (int packets = 0; packets < packets_max && !datagram.empty(); ++packets) {
    const auto header = parse_quic_long_header(datagram);
    if (!header) break;
    datagram = datagram.subspan(header->packet.size());
    if (header->type == QuicPacketType::retry) take_retry(sender, *header);
    if (header->type != QuicPacketType::initial) continue;
    if (from.done) {
      // A client that begins again in another version takes another connection id.
      if (sender == *client_ && from.version != nullptr && from.version != header->version) {
        from.version = header->version;
        first_destination_.assign(header->destination);
        directions_[index(other(sender))].version = nullptr;
      }
      continue;
    }
    if (++attempts_ > attempts_max) return ReadState::failed;
    const auto frames = open(sender, *header);
    if (frames) {
      take_packet(sender, *header, *frames, metadata, found);
    } else if (!client_ && early_.empty() && header->packet.size() <= early_bytes_max) {
      early_.assign(header->packet.begin(), header->packet.end());
      early_sender_ = sender;
    }
    if (client_ && !early_.empty()) take_early(metadata, found);
  }
  return directions_[0].done && directions_[1].done ? ReadState::done : ReadState::more;
}

}  // namespace dpi
