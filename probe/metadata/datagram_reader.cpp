#include "probe/metadata/datagram_reader.h"

#include "dissectors/quic/gquic.h"
#include "dissectors/quic/long_header.h"
#include "probe/metadata/dtls_session.h"
#include "probe/metadata/quic_session.h"

namespace dpi {
namespace {

// Google's QUIC up to Q046: the one datagram that a ClientHello begins says all.
class GquicReader final : public DatagramReader {
 public:
  ReadState read(Side /*sender*/, Bytes datagram, AppMetadata& metadata,
                 AnomalySet& /*found*/) override {
    const auto hello = parse_gquic_hello(datagram);
    if (!hello) return ReadState::more;
    metadata.tls_version = hello->version_text();
    keep_text(metadata.server_name, hello->server_name, metadata_limit::server_name);
    return ReadState::done;
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept override { return sizeof *this; }
};

// An Initial packet may stand anywhere among the packets of a datagram (RFC 9000 §12.2).
bool has_quic_initial(Bytes datagram) {
  constexpr int packets_max = 8;
  for (int packets = 0; packets < packets_max && !datagram.empty(); ++packets) {
    const auto header = parse_quic_long_header(datagram);
    if (!header) return false;
    if (header->type == QuicPacketType::initial) return true;
    datagram = datagram.subspan(header->packet.size());
  }
  return false;
}

}  // namespace

std::unique_ptr<DatagramReader> make_datagram_reader(Bytes datagram, StreamMemory& memory) {
  if (has_quic_initial(datagram)) return std::make_unique<QuicSession>(memory);
  if (dtls_begins(without_capwap_preamble(datagram))) return std::make_unique<DtlsSession>(memory);
  if (parse_gquic_hello(datagram)) return std::make_unique<GquicReader>();
  return nullptr;
}

}  // namespace dpi
