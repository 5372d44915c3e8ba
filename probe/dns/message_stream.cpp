#include "probe/dns/message_stream.h"

namespace dpi {

void MessageStream::start(std::uint32_t sequence) noexcept {
  if (started_) return;
  started_ = true;
  expected_ = sequence;
}

bool MessageStream::add(std::uint32_t sequence, Bytes bytes) {
  if (gave_up_ || bytes.empty()) return !gave_up_;
  start(sequence);
  if (waiting_bytes_ + bytes.size() > bytes_max || ready_.size() - read_ > bytes_max) {
    gave_up_ = true;
    waiting_.clear();
    ready_.clear();
    read_ = 0;
    return false;
  }
  const auto [place, fresh] = waiting_.try_emplace(sequence, bytes.begin(), bytes.end());
  if (fresh) {
    waiting_bytes_ += bytes.size();
  } else if (place->second.size() < bytes.size()) {
    waiting_bytes_ += bytes.size() - place->second.size();
    place->second.assign(bytes.begin(), bytes.end());
  }
  drain();
  return true;
}

void MessageStream::drain() {
  bool moved = true;
  while (moved) {
    moved = false;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      const auto ahead = static_cast<std::int32_t>(it->first - expected_);
      if (ahead > 0) {
        ++it;
        continue;
      }
      const auto behind = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
      const ByteBuffer& bytes = it->second;
      if (behind < bytes.size()) {
        ready_.insert(ready_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(behind),
                      bytes.end());
        expected_ += static_cast<std::uint32_t>(bytes.size() - behind);
        moved = true;
      }
      waiting_bytes_ -= bytes.size();
      it = waiting_.erase(it);
    }
  }
}

std::optional<Bytes> MessageStream::next() {
  if (read_ > 0 && read_ * 2 >= ready_.size()) {
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
  }
  const Bytes left = Bytes{ready_}.subspan(read_);
  if (left.size() < 2) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(left[0]) << 8U | left[1];
  if (left.size() < 2 + length) return std::nullopt;
  read_ += 2 + length;
  return left.subspan(2, length);
}

}  // namespace dpi
