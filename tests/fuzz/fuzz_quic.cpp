// Any bytes as a datagram, and as the frames of an Initial packet: frames lie inside the payload,
// CRYPTO data reaches the handshake in any order, sessions end after a bounded number of tries.
#include <cstddef>
#include <cstdint>

#include "probe/base/check.h"
#include "probe/metadata/quic_session.h"

namespace {

void check_frames(dpi::Bytes payload) {
  dpi::StreamMemory memory(1U << 20U);
  dpi::ByteStream messages(memory, dpi::handshake_bytes_max);
  messages.start(0);
  dpi::HandshakeReader reader(dpi::TlsCarrier::quic);
  dpi::AppMetadata metadata;
  dpi::AnomalySet found;
  dpi::QuicFrames frames(payload);
  std::size_t told = 0;
  while (const auto crypto = frames.next_crypto()) {
    told += crypto->data.size();
    DPI_CHECK(told <= payload.size());
    if (crypto->offset > dpi::handshake_bytes_max) continue;
    found |= messages.add(static_cast<std::uint32_t>(crypto->offset), crypto->data);
    (void)reader.read(messages, metadata, found);
  }
}

void check_datagram(dpi::Bytes datagram) {
  const auto header = dpi::parse_quic_long_header(datagram);
  if (header) {
    DPI_CHECK(header->packet.size() <= datagram.size() && !header->packet.empty());
    DPI_CHECK(header->type == dpi::QuicPacketType::retry ||
              header->packet_number_at + 20 <= header->packet.size());
  }
  dpi::StreamMemory memory(1U << 20U);
  dpi::QuicSession session(memory);
  dpi::AppMetadata metadata;
  dpi::AnomalySet found;
  for (int i = 0; i < 4; ++i) {
    (void)session.read(i % 3 == 0 ? dpi::Side::low : dpi::Side::high, datagram, metadata, found);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const dpi::Bytes bytes{data + 1, size - 1};
  if (data[0] % 2U == 0) {
    check_frames(bytes);
  } else {
    check_datagram(bytes);
  }
  return 0;
}
