// One direction of a byte stream put in order (RFC 9293 §3.4): segments in any order, repeated and
// overlapping → the bytes as they were sent. Bounded by its own limit and by the memory that all
// streams share. Where segments overlap, the copy that came first counts. QUIC's CRYPTO frames
// (RFC 9000 §19.6) are segments of a stream that starts at 0.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "dissectors/anomaly.h"
#include "probe/base/bytes.h"
#include "probe/stream/stream_memory.h"

namespace dpi {

class ByteStream final : private StreamMemory::Stream {
 public:
  // `bytes_max`: unread bytes in order, and as many out of order.
  ByteStream(StreamMemory& memory, std::size_t bytes_max) noexcept
      : memory_(memory), bytes_max_(bytes_max) {}
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  ~ByteStream() override { memory_.give_back(*this, StreamMemory::held(*this)); }

  // Sequence number of the first byte (behind the SYN). Without it the first segment begins the
  // stream, and bytes right before it may still be put in front while nothing was consumed. A SYN
  // that is sent again may tell another one while there are no bytes.
  void start(std::uint32_t sequence) noexcept;
  // What was noticed: stream_overlap_differs, or why the stream gave up (stream_gap,
  // stream_memory_full; also when it had to make room since). Segments far away (four times
  // bytes_max) are not taken.
  AnomalySet add(std::uint32_t sequence, Bytes bytes);

  // Bytes in order and not yet consumed; valid until the next call of a member that changes it.
  [[nodiscard]] Bytes readable() const noexcept { return Bytes{ready_}.subspan(read_); }
  void consume(std::size_t bytes) noexcept;

  // Segments behind bytes that have not come: the sequence number of the first; whether
  // so many wait that the stream will soon give up.
  [[nodiscard]] std::optional<std::uint32_t> behind_gap() const noexcept;
  [[nodiscard]] bool nearly_full() const noexcept {
    return waiting_.size() >= segments_max || waiting_bytes_ * 2 >= bytes_max_;
  }
  // Those bytes will not come: what is readable goes, the stream is read on behind them.
  void skip_gap() noexcept;
  // The sequence number behind what is readable.
  [[nodiscard]] std::uint32_t next_sequence() const noexcept { return next_; }
  // Nor will the bytes up to `sequence`, which were sent: what is readable goes, the stream is read
  // on from there.
  void skip_to(std::uint32_t sequence) noexcept;

  [[nodiscard]] bool gave_up() const noexcept { return gave_up_; }

 private:
  static constexpr std::size_t segments_max = 128;  // out of order
  // Offsets count from the stream's first byte; they may be negative while it is not certain.
  using Waiting = std::map<std::int64_t, ByteBuffer>;

  void add_at(std::int64_t offset, Bytes bytes, AnomalySet& found);
  void compare_with_read(std::int64_t offset, Bytes bytes, AnomalySet& found);
  bool prepend(std::int64_t offset, Bytes bytes);
  void insert(std::int64_t offset, Bytes bytes, AnomalySet& found);
  void keep(std::int64_t offset, Bytes bytes, AnomalySet& found);
  void append(Bytes bytes);
  void drain(AnomalySet& found);
  void compact() noexcept;
  void give_up(Anomaly reason, AnomalySet& found) noexcept;
  void forget() noexcept;
  void evicted() noexcept override;

  StreamMemory& memory_;
  std::size_t bytes_max_;
  ByteBuffer ready_;
  std::size_t read_ = 0;    // consumed bytes at the head of ready_
  std::int64_t end_ = 0;    // offset behind ready_
  std::uint32_t next_ = 0;  // the sequence number there
  std::size_t waiting_bytes_ = 0;
  Waiting waiting_;  // disjoint, none begins at or before end_
  bool started_ = false;
  bool certain_ = false;  // the start was told
  bool consumed_ = false;
  bool gave_up_ = false;
  bool untold_ = false;  // it was evicted, and nobody knows yet
};

}  // namespace dpi
