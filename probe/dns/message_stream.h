// One direction of DNS over TCP (RFC 1035 §4.2.2): segments in any order → messages behind their
// two-byte length. Bounded; the bytes that came first win where segments overlap.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "probe/base/bytes.h"

namespace dpi {

class MessageStream {
 public:
  // Sequence number of the first byte of data, from a SYN; without one the first segment begins the
  // stream.
  void start(std::uint32_t sequence) noexcept;
  // False when the stream gave up: too much out of order.
  bool add(std::uint32_t sequence, Bytes bytes);
  // The next whole message; valid until the next call of any member.
  [[nodiscard]] std::optional<Bytes> next();

 private:
  static constexpr std::size_t bytes_max = 256U << 10U;
  void drain();

  bool started_ = false;
  bool gave_up_ = false;
  std::uint32_t expected_ = 0;
  ByteBuffer ready_;
  std::size_t read_ = 0;
  std::map<std::uint32_t, ByteBuffer> waiting_;  // out of order, by sequence number
  std::size_t waiting_bytes_ = 0;
};

}  // namespace dpi
