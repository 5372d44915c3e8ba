#include "probe/dns/message_stream.h"

#include "dissectors/dns/content.h"
#include "probe/base/byte_cursor.h"

namespace dpi {

void MessageStream::start(std::uint32_t first) noexcept {
  if (begun_) return;
  begun_ = in_step_ = true;
  stream_->start(first);
}

AnomalySet MessageStream::add(std::uint32_t sequence, Bytes bytes) {
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
  }
  return found;
}

void MessageStream::acknowledged(std::uint32_t sequence) noexcept {
  for (;;) {
    const auto behind = stream_->behind_gap();
    if (!behind || static_cast<std::int32_t>(sequence - *behind) < 0) return;
    stream_->skip_gap();
    in_step_ = false;
  }
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

std::optional<Bytes> MessageStream::next() {
  if (!in_step_) find_step();
  if (!in_step_) return std::nullopt;
  ByteCursor in(stream_->readable());
  const Bytes message = in.take(in.be16());
  if (!in.ok()) return std::nullopt;
  stream_->consume(in.position());
  return message;
}

}  // namespace dpi
