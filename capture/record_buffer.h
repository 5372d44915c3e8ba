// Turns a byte stream into whole records without copying them: bytes are read into
// reference-counted arenas, and a record always lies in one arena (its beginning is carried over
// when the arena is full). Whoever keeps memory() keeps the records in it alive; bytes of consumed
// records are never written again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "capture/input_stream.h"
#include "probe/base/buffer_size.h"
#include "probe/base/bytes.h"
#include "probe/base/result.h"

namespace dpi {

// State of the record at the read position.
enum class RecordState {
  ready,
  idle,  // not all of it came in time; ask again
  end,   // the input ends before its first byte
  cut,   // the input ends inside it
};

class RecordBuffer {
 public:
  static constexpr std::size_t arena_bytes = read_buffer_bytes(std::size_t{1} << 20U);
  // Zero bytes readable behind an arena's data, for libraries that read ahead.
  static constexpr std::size_t guard_bytes = 64;

  using ArenaBytes = std::uint8_t[];  // NOLINT(modernize-avoid-c-arrays): what shared_ptr owns

  explicit RecordBuffer(InputStream stream) : stream_(std::move(stream)) {}

  void set_deadline(std::chrono::steady_clock::time_point deadline) noexcept {
    stream_.set_deadline(deadline);
  }
  // ready: the next `bytes` (≥ 1) lie in available(). May move the unconsumed bytes to another
  // arena.
  [[nodiscard]] Result<RecordState> fill(std::size_t bytes) {
    if (skip_left_ == 0 && end_ - begin_ >= bytes) return RecordState::ready;
    return read_until(bytes);
  }
  [[nodiscard]] Bytes available() const noexcept { return data_.subspan(begin_, end_ - begin_); }
  // Steps over bytes, also ones not read yet.
  void consume(std::uint64_t bytes) noexcept;

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] const std::shared_ptr<ArenaBytes>& memory() const noexcept { return arena_; }
  [[nodiscard]] const InputStream& stream() const noexcept { return stream_; }

 private:
  Result<RecordState> read_until(std::size_t bytes);
  Result<InputState> read_more();
  void start_arena(std::size_t bytes);

  InputStream stream_;
  std::shared_ptr<ArenaBytes> arena_;
  std::span<std::uint8_t> data_;  // the arena without its guard
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;     // of begin_ in the decompressed stream
  std::uint64_t skip_left_ = 0;  // consumed before it was read
};

}  // namespace dpi
