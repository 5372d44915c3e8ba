// The hellos of a DTLS association (RFC 6347, RFC 9147) and its server's certificate: records →
// fragments → messages, put together in any order. What is resent costs nothing more.
#pragma once

#include <array>
#include <optional>

#include "dissectors/tls/dtls.h"
#include "probe/metadata/datagram_reader.h"
#include "probe/metadata/handshake_reader.h"

namespace dpi {

// CAPWAP's control channel puts four bytes in front of its DTLS records (RFC 5415 §4.2).
[[nodiscard]] Bytes without_capwap_preamble(Bytes datagram) noexcept;

class DtlsSession final : public DatagramReader {
 public:
  explicit DtlsSession(StreamMemory& memory) noexcept : memory_(memory) {}
  ReadState read(Side sender, Bytes datagram, AppMetadata& metadata, AnomalySet& found) override;
  void conclude(AppMetadata& metadata) const override;
  [[nodiscard]] std::size_t memory_bytes() const noexcept override { return sizeof *this; }

 private:
  // A message being put together.
  struct Message {
    std::optional<ByteStream> bytes;  // none: nothing of it came yet
    std::uint16_t sequence = 0;
    std::uint32_t length = 0;
    TlsHandshake type{};
  };
  struct Direction {
    HandshakeReader reader{TlsCarrier::datagrams};
    Message hello;
    Message certificate;
    bool done = false;
  };

  void take_record(Direction& from, Bytes payload, AppMetadata& metadata, AnomalySet& found);
  ReadState take_fragment(Direction& from, const DtlsFragment& fragment, AppMetadata& metadata,
                          AnomalySet& found);
  bool begin(Message& message, const DtlsFragment& fragment);

  StreamMemory& memory_;
  std::array<Direction, 2> directions_;
};

}  // namespace dpi
