// What reads the datagrams of a UDP flow once the protocol is known.
#pragma once

#include <memory>

#include "dissectors/anomaly.h"
#include "probe/flow/flow_key.h"
#include "probe/metadata/app_metadata.h"
#include "probe/metadata/stream_reader.h"

namespace dpi {

class DatagramReader {
 public:
  virtual ~DatagramReader() = default;
  // One datagram. done: nothing more to be had from either side.
  virtual ReadState read(Side sender, Bytes datagram, AppMetadata& metadata, AnomalySet& found) = 0;
  // As StreamReader's.
  virtual void conclude(AppMetadata& /*metadata*/) const {}
  [[nodiscard]] virtual std::size_t memory_bytes() const noexcept = 0;
};

// The reader of the protocol that this datagram begins with, by its bytes alone: QUIC of the IETF
// and of Google, DTLS. Null: none of ours.
[[nodiscard]] std::unique_ptr<DatagramReader> make_datagram_reader(Bytes datagram,
                                                                   StreamMemory& memory);

}  // namespace dpi
