#include "probe/stream/byte_stream.h"

#include <algorithm>
#include <utility>

#include "probe/base/check.h"

namespace dpi {
namespace {

// Segments further away than this many times the stream's limit belong to no window of it.
constexpr std::int64_t windows = 4;
// What a segment that waits costs beside its bytes: a node of the map, a buffer of its own.
// Segments of one byte each hold mostly that.
constexpr std::size_t segment_bytes = 128;

}  // namespace

void ByteStream::start(std::uint32_t sequence) noexcept {
  if (started_ && !(certain_ && ready_.empty() && waiting_.empty() && !consumed_)) return;
  started_ = certain_ = true;
  next_ = sequence;
}

void ByteStream::give_up(Anomaly reason, AnomalySet& found) noexcept {
  dpi::add(found, reason);
  memory_.give_back(*this, StreamMemory::held(*this));
  forget();
}

void ByteStream::forget() noexcept {
  gave_up_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
  ready_ = {};
  read_ = 0;
}

void ByteStream::evicted() noexcept {
  forget();
  untold_ = true;
}

AnomalySet ByteStream::add(std::uint32_t sequence, Bytes bytes) {
  AnomalySet found;
  if (bytes.empty()) return found;
  if (gave_up_) {
    if (std::exchange(untold_, false)) dpi::add(found, Anomaly::stream_memory_full);
    return found;
  }
  if (!started_) {
    started_ = true;
    next_ = sequence;
  }
  const auto ahead = static_cast<std::int32_t>(sequence - next_);
  // RFC 9293 §3.8.4: a keep-alive probe may repeat the last byte with any value.
  if (ahead == -1 && bytes.size() == 1) return found;
  const auto window = static_cast<std::int64_t>(bytes_max_) * windows;
  if (ahead > window) return found;
  if (std::int64_t{ahead} + static_cast<std::int64_t>(bytes.size()) < -window) return found;
  add_at(end_ + ahead, bytes, found);
  return found;
}

void ByteStream::add_at(std::int64_t offset, Bytes bytes, AnomalySet& found) {
  if (offset < end_) {
    compare_with_read(offset, bytes, found);
    const auto behind = static_cast<std::size_t>(end_ - offset);
    if (behind >= bytes.size()) return;
    bytes = bytes.subspan(behind);
    offset = end_;
  }
  if (offset == end_ && waiting_.empty()) {
    keep(offset, bytes, found);
    return;
  }
  insert(offset, bytes, found);
  if (!gave_up_) drain(found);
}

// The part before end_, against what is still here of it.
void ByteStream::compare_with_read(std::int64_t offset, Bytes bytes, AnomalySet& found) {
  const std::int64_t first = end_ - static_cast<std::int64_t>(ready_.size());
  if (offset < first && !certain_ && !consumed_ && prepend(offset, bytes)) return;
  const std::int64_t from = std::max(offset, first);
  const std::int64_t to = std::min(end_, offset + static_cast<std::int64_t>(bytes.size()));
  if (from < to && !std::equal(ready_.begin() + (from - first), ready_.begin() + (to - first),
                               bytes.begin() + (from - offset))) {
    dpi::add(found, Anomaly::stream_overlap_differs);
  }
}

// Puts the part of a segment that lies before an uncertain start in front, when it reaches it.
bool ByteStream::prepend(std::int64_t offset, Bytes bytes) {
  const std::int64_t first = end_ - static_cast<std::int64_t>(ready_.size());
  const auto length = static_cast<std::size_t>(first - offset);
  if (length > bytes.size() || ready_.size() + length > bytes_max_ || !memory_.take(*this, length))
    return false;
  ready_.insert(ready_.begin(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
  return true;
}

// At or behind end_: the parts of it that no waiting segment covers.
void ByteStream::insert(std::int64_t offset, Bytes bytes, AnomalySet& found) {
  const std::int64_t end = offset + static_cast<std::int64_t>(bytes.size());
  const auto part = [&](std::int64_t from, std::int64_t to) {
    return bytes.subspan(static_cast<std::size_t>(from - offset),
                         static_cast<std::size_t>(to - from));
  };
  std::int64_t at = offset;
  auto next = waiting_.upper_bound(offset);
  if (next != waiting_.begin()) --next;
  while (at < end && !gave_up_) {
    if (next == waiting_.end() || next->first >= end) {
      keep(at, part(at, end), found);
      return;
    }
    const std::int64_t other_end = next->first + static_cast<std::int64_t>(next->second.size());
    if (other_end <= at) {
      ++next;
      continue;
    }
    if (next->first > at) {
      const std::int64_t to = next->first;
      keep(at, part(at, to), found);
      at = to;
      continue;
    }
    const std::int64_t to = std::min(end, other_end);
    const Bytes again = part(at, to);
    if (!std::equal(again.begin(), again.end(), next->second.begin() + (at - next->first)))
      dpi::add(found, Anomaly::stream_overlap_differs);
    at = to;
    ++next;
  }
}

void ByteStream::keep(std::int64_t offset, Bytes bytes, AnomalySet& found) {
  const bool in_order = offset == end_;
  const std::size_t kept = in_order ? readable().size() : waiting_bytes_;
  if (bytes.size() > bytes_max_ - std::min(kept, bytes_max_) ||
      (!in_order && waiting_.size() >= segments_max)) {
    give_up(in_order ? Anomaly::stream_memory_full : Anomaly::stream_gap, found);
    return;
  }
  if (in_order) compact();
  if (!memory_.take(*this, bytes.size() + (in_order ? 0 : segment_bytes))) {
    give_up(Anomaly::stream_memory_full, found);
    return;
  }
  if (in_order) {
    append(bytes);
  } else {
    waiting_.emplace(offset, ByteBuffer(bytes.begin(), bytes.end()));
    waiting_bytes_ += bytes.size();
  }
}

void ByteStream::append(Bytes bytes) {
  ready_.insert(ready_.end(), bytes.begin(), bytes.end());
  end_ += static_cast<std::int64_t>(bytes.size());
  next_ += static_cast<std::uint32_t>(bytes.size());
}

void ByteStream::drain(AnomalySet& found) {
  while (!waiting_.empty() && waiting_.begin()->first == end_) {
    const ByteBuffer& bytes = waiting_.begin()->second;
    if (readable().size() + bytes.size() > bytes_max_) {
      give_up(Anomaly::stream_memory_full, found);
      return;
    }
    compact();
    append(bytes);
    waiting_bytes_ -= bytes.size();
    waiting_.erase(waiting_.begin());
    memory_.give_back(*this, segment_bytes);
  }
}

void ByteStream::consume(std::size_t bytes) noexcept {
  DPI_CHECK(bytes <= readable().size());
  consumed_ = consumed_ || bytes > 0;
  read_ += bytes;
}

std::optional<std::uint32_t> ByteStream::behind_gap() const noexcept {
  if (waiting_.empty()) return std::nullopt;
  return next_ + static_cast<std::uint32_t>(waiting_.begin()->first - end_);
}

void ByteStream::skip_gap() noexcept {
  if (const auto next = behind_gap()) skip_to(*next);
}

void ByteStream::skip_to(std::uint32_t sequence) noexcept {
  const auto ahead = static_cast<std::int32_t>(sequence - next_);
  if (ahead < 0) return;
  std::size_t dropped = ready_.size();
  ready_.clear();
  read_ = 0;
  certain_ = true;
  end_ += ahead;
  next_ = sequence;
  while (!waiting_.empty() && waiting_.begin()->first < end_) {
    dropped += waiting_.begin()->second.size();
    waiting_bytes_ -= waiting_.begin()->second.size();
    waiting_.erase(waiting_.begin());
  }
  memory_.give_back(*this, dropped);
  AnomalySet none;  // what waits fits: nothing is readable
  drain(none);
}

// Consumed bytes go when they are the larger part, so that moving costs no more than reading.
void ByteStream::compact() noexcept {
  if (read_ == 0 || read_ * 2 < ready_.size()) return;
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(read_));
  memory_.give_back(*this, read_);
  read_ = 0;
}

}  // namespace dpi
