#include "capture/record_buffer.h"

#include <algorithm>

#include "probe/base/check.h"

namespace dpi {

void RecordBuffer::start_arena(std::size_t bytes) {
  const Bytes carried = available();
  const std::size_t size = std::max(bytes, arena_bytes);
  auto arena = std::make_shared_for_overwrite<ArenaBytes>(size + guard_bytes);
  std::copy(carried.begin(), carried.end(), arena.get());
  std::fill_n(arena.get() + carried.size(), guard_bytes, std::uint8_t{0});
  begin_ = 0;
  end_ = carried.size();
  arena_ = std::move(arena);
  data_ = {arena_.get(), size};
}

Result<InputState> RecordBuffer::read_more() {
  const auto got = stream_.read(data_.subspan(end_));
  if (!got) return tl::unexpected(got.error());
  end_ += got->bytes;
  std::fill_n(data_.data() + end_, guard_bytes, std::uint8_t{0});
  return got->state;
}

Result<RecordState> RecordBuffer::read_until(std::size_t bytes) {
  DPI_CHECK(bytes > 0);
  while (skip_left_ > 0 || end_ - begin_ < bytes) {
    if (data_.size() - begin_ < bytes || end_ == data_.size()) start_arena(bytes);
    const auto state = read_more();
    if (!state) return tl::unexpected(state.error());
    if (*state == InputState::idle) return RecordState::idle;
    if (*state == InputState::end) {
      return skip_left_ > 0 || end_ > begin_ ? RecordState::cut : RecordState::end;
    }
    const std::uint64_t skipped = std::min<std::uint64_t>(skip_left_, end_ - begin_);
    skip_left_ -= skipped;
    begin_ += static_cast<std::size_t>(skipped);
  }
  return RecordState::ready;
}

void RecordBuffer::consume(std::uint64_t bytes) noexcept {
  const std::uint64_t here = std::min<std::uint64_t>(bytes, end_ - begin_);
  begin_ += static_cast<std::size_t>(here);
  skip_left_ += bytes - here;
  offset_ += bytes;
}

}  // namespace dpi
