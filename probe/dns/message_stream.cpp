#include "probe/dns/message_stream.h"

#include "dissectors/dns/content.h"
#include "probe/base/byte_cursor.h"

namespace dpi {

void MessageStream::start(std::uint32_t first) noexcept {
  if (begun_) return;
  begun_ = in_step_ = true;
  stream_->start(first);
}

AnomalySet MessageStream::add(std::uint32_t sequence, Bytes bytes, std::size_t cut_bytes) {
  AnomalySet found;
  if (bytes.empty()) return found;
  begun_ = true;
  if (stream_->behind_gap() && stream_->nearly_full()) {
    dpi::add(found, Anomaly::stream_gap);
    stream_->skip_gap();
    in_step_ = false;
  }
  found |= stream_->add(sequence, bytes);
  if (stream_->gave_up()) {
    stream_.emplace(memory_, bytes_max);
    in_step_ = false;
    cut_.reset();
    told_cut_ = false;
  }
  const auto end = sequence + static_cast<std::uint32_t>(bytes.size());
  if (cut_bytes > 0 && static_cast<std::int32_t>(end - stream_->next_sequence()) >= 0)
    cut_ = {end, end + static_cast<std::uint32_t>(cut_bytes)};
  return found;
}

void MessageStream::acknowledged(std::uint32_t sequence, Timestamp time, bool at_once) noexcept {
  const auto is_missing = [&] {
    const auto behind = stream_->behind_gap();
    return behind && static_cast<std::int32_t>(sequence - *behind) >= 0;
  };
  if (!is_missing()) {
    missed_since_.reset();
    return;
  }
  if (!missed_since_) missed_since_ = time;
  if (!at_once && time - *missed_since_ < patience) return;
  missed_since_.reset();
  do {
    stream_->skip_gap();
    in_step_ = false;
  } while (is_missing());
}

void MessageStream::find_step() {
  const Bytes bytes = stream_->readable();
  std::size_t at = 0;
  while (at < bytes.size()) {
    const DnsContent content = dns_content_over_tcp(bytes.subspan(at));
    in_step_ = content == DnsContent::message;
    if (content != DnsContent::other) break;
    ++at;
  }
  stream_->consume(at);
}

std::optional<StreamMessage> MessageStream::next() {
  if (told_cut_) read_on_behind_cut();
  if (auto whole = next_whole()) return whole;
  return next_cut();
}

std::optional<StreamMessage> MessageStream::next_whole() {
  if (!in_step_) find_step();
  if (!in_step_) return std::nullopt;
  ByteCursor in(stream_->readable());
  const Bytes message = in.take(in.be16());
  if (!in.ok()) return std::nullopt;
  stream_->consume(in.position());
  return StreamMessage{message, message.size()};
}

// What the snap length left of a message, when the stream has come to where it was cut.
std::optional<StreamMessage> MessageStream::next_cut() {
  if (!cut_ || stream_->next_sequence() != cut_->from) return std::nullopt;
  ByteCursor in(stream_->readable());
  const std::size_t length = in.be16();
  const bool known = in.ok() && in_step_;
  // Behind a cut inside of another message, or of several, the next one is found again.
  in_step_ = known && length - in.left() == cut_->to - cut_->from;
  if (!known || in.left() == 0) {
    read_on_behind_cut();
    return next();
  }
  told_cut_ = true;
  return StreamMessage{in.rest(), length};
}

void MessageStream::read_on_behind_cut() noexcept {
  stream_->skip_to(cut_->to);
  cut_.reset();
  told_cut_ = false;
}

}  // namespace dpi
