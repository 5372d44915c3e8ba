// The Initial packets of a QUIC connection (RFC 9001 §5, RFC 9369): their keys follow from the
// client's first destination connection id, so that ClientHello and ServerHello can be read. The
// ClientHello may lie in many CRYPTO frames of many packets in any order.
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "dissectors/quic/long_header.h"
#include "probe/crypto/packet_protection.h"
#include "probe/metadata/datagram_reader.h"
#include "probe/metadata/handshake_reader.h"

namespace dpi {

struct QuicInitialKeys {
  AesKey key{};
  GcmNonce iv{};
  AesKey header{};
};
// Keys of the packets that a client sends, or a server.
[[nodiscard]] QuicInitialKeys quic_initial_keys(const QuicVersion& version, Bytes destination,
                                                bool client);
// The frames of an Initial packet, in a buffer of this thread that the next call writes over;
// nothing when the keys are not its keys.
[[nodiscard]] std::optional<Bytes> open_quic_initial(const QuicInitialKeys& keys,
                                                     const QuicLongHeader& header);

class QuicSession final : public DatagramReader {
 public:
  explicit QuicSession(StreamMemory& memory) noexcept;
  // One datagram. done: nothing more to be had from either side.
  ReadState read(Side sender, Bytes datagram, AppMetadata& metadata, AnomalySet& found) override;
  void conclude(AppMetadata& metadata) const override {
    for (const Direction& from : directions_) {
      if (!from.done) from.reader.look_at_part(from.messages.readable(), metadata);
    }
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept override {
    return sizeof *this + early_.capacity();
  }

 private:
  struct ConnectionId {
    std::array<std::uint8_t, 20> bytes{};
    std::uint8_t length = 0;
    void assign(Bytes id) noexcept {
      length = static_cast<std::uint8_t>(std::min(id.size(), bytes.size()));
      std::copy_n(id.begin(), length, bytes.begin());
    }
    [[nodiscard]] Bytes view() const noexcept { return Bytes{bytes}.first(length); }
  };
  struct Direction {
    explicit Direction(StreamMemory& memory) noexcept
        : messages(memory, handshake_bytes_max), reader(TlsCarrier::quic) {
      messages.start(0);
    }
    ByteStream messages;
    HandshakeReader reader;
    const QuicVersion* version = nullptr;  // that keys are for
    QuicInitialKeys keys;
    bool done = false;
  };

  void take_packet(Side sender, const QuicLongHeader& header, Bytes frames, AppMetadata& metadata,
                   AnomalySet& found);
  void take_early(AppMetadata& metadata, AnomalySet& found);
  std::optional<Bytes> open(Side sender, const QuicLongHeader& header);
  std::optional<Bytes> open_of_client(Direction& from, Side sender, const QuicLongHeader& header);
  void take_retry(Side sender, const QuicLongHeader& header) noexcept;
  void take_frames(Direction& from, Bytes frames, AppMetadata& metadata, AnomalySet& found);
  void take_google_frames(Bytes frames, AppMetadata& metadata);

  std::array<Direction, 2> directions_;
  std::optional<Side> client_;
  ConnectionId first_destination_;
  // An Initial that nothing opens before the client's: taps may deliver the answer first.
  ByteBuffer early_;
  Side early_sender_ = Side::low;
  bool retried_ = false;
  int attempts_ = 0;
};

}  // namespace dpi
