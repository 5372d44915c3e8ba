// One direction of DNS over TCP (RFC 1035 §4.2.2): a byte stream → messages behind their two-byte
// length.
#pragma once

#include <cstdint>
#include <optional>

#include "probe/base/bytes.h"
#include "probe/stream/byte_stream.h"

namespace dpi {

class MessageStream {
 public:
  explicit MessageStream(StreamMemory& memory) noexcept : stream_(memory, bytes_max) {}

  // As ByteStream's.
  void start(std::uint32_t sequence) noexcept { stream_.start(sequence); }
  AnomalySet add(std::uint32_t sequence, Bytes bytes) { return stream_.add(sequence, bytes); }
  [[nodiscard]] bool gave_up() const noexcept { return stream_.gave_up(); }
  // The next whole message; valid until the next add().
  [[nodiscard]] std::optional<Bytes> next() noexcept;

 private:
  static constexpr std::size_t bytes_max = 128U << 10U;
  ByteStream stream_;
};

}  // namespace dpi
