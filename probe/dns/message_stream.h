// One direction of DNS over TCP (RFC 1035 §4.2.2): a byte stream → messages behind their two-byte
// length. Where the stream does not begin at its SYN, and behind bytes that never came, messages
// are found again by their content (dissectors/dns/content.h).
#pragma once

#include <cstdint>
#include <optional>

#include "probe/base/bytes.h"
#include "probe/stream/byte_stream.h"

namespace dpi {

class MessageStream {
 public:
  explicit MessageStream(StreamMemory& memory) noexcept : memory_(memory) {
    stream_.emplace(memory, bytes_max);
  }

  static constexpr std::size_t bytes_max = 128U << 10U;

  // Sequence number of the first byte, before any was added: a message begins there.
  void start(std::uint32_t first) noexcept;
  // As ByteStream's; what never came and is too much to wait on is stream_gap.
  AnomalySet add(std::uint32_t sequence, Bytes bytes);
  // The receiver has everything before: what is missing here of it will not come any more. To be
  // told behind add(), since captures may show an acknowledgement before what it acknowledges.
  void acknowledged(std::uint32_t sequence) noexcept;
  // The next whole message; valid until the next change.
  [[nodiscard]] std::optional<Bytes> next();

 private:
  void find_step();

  StreamMemory& memory_;
  std::optional<ByteStream> stream_;
  bool begun_ = false;
  bool in_step_ = false;  // a message begins at the next readable byte
};

}  // namespace dpi
