#include "probe/dns/message_stream.h"

#include <algorithm>
#include <span>
#include <utility>

#include "dissectors/dns/content.h"
#include "dissectors/proxy_header.h"
#include "probe/base/byte_cursor.h"

namespace dpi {
namespace {

// In the space of sequence numbers (RFC 9293 §3.4).
bool sequence_less(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) < 0;
}

}  // namespace

void MessageStream::start(std::uint32_t first) noexcept {
  if (begun_) return;
  begun_ = in_step_ = at_head_ = true;
  stream_->start(first);
}

AnomalySet MessageStream::add(std::uint32_t sequence, Bytes bytes, std::size_t cut_bytes,
                              Timestamp time) {
  AnomalySet found;
  if (bytes.empty()) return found;
  begun_ = true;
  const auto end = sequence + static_cast<std::uint32_t>(bytes.size());
  look_for_late({sequence, end}, bytes);
  if (stream_->behind_gap() && stream_->nearly_full()) {
    dpi::add(found, Anomaly::stream_gap);
    skip_hole();
  }
  found |= stream_->add(sequence, bytes);
  if (stream_->gave_up()) {
    stream_.emplace(memory_, bytes_max);
    in_step_ = at_head_ = false;
    cut_count_ = arrival_count_ = 0;
    skipped_ = {};
    told_cut_ = false;
  }
  note_arrival(end, time);
  if (cut_bytes > 0) remember({end, end + static_cast<std::uint32_t>(cut_bytes)});
  return found;
}

// What a hole's filling makes readable is whole only then: those that it has reached are forgotten.
void MessageStream::note_arrival(std::uint32_t end, Timestamp time) noexcept {
  const std::uint32_t read = stream_->next_sequence();
  auto last = arrivals_.begin() + static_cast<std::ptrdiff_t>(arrival_count_);
  last = std::remove_if(arrivals_.begin(), last,
                        [read](const Arrival& each) { return !sequence_less(read, each.end); });
  arrival_count_ = static_cast<std::size_t>(last - arrivals_.begin());
  if (sequence_less(read, end) && arrival_count_ < arrivals_max)
    arrivals_[arrival_count_++] = {end, time};
}

// Of the byte before `end`: of the segments that reach so far, the one that ends first.
std::optional<Timestamp> MessageStream::arrival_of(std::uint32_t end) const noexcept {
  const Arrival* found = nullptr;
  for (const Arrival& each : std::span{arrivals_}.first(arrival_count_)) {
    if (!sequence_less(each.end, end) && (found == nullptr || sequence_less(each.end, found->end)))
      found = &each;
  }
  return found == nullptr ? std::nullopt : std::optional{found->time};
}

void MessageStream::remember(Cut cut) noexcept {
  // What came whole another time, or was read past, is no cut any more.
  const std::uint32_t read = stream_->next_sequence();
  auto end = cuts_.begin() + static_cast<std::ptrdiff_t>(cut_count_);
  end = std::remove_if(cuts_.begin(), end,
                       [read](const Cut& each) { return sequence_less(each.from, read); });
  cut_count_ = static_cast<std::size_t>(end - cuts_.begin());
  if (sequence_less(cut.from, read)) return;
  if (cut_count_ == cuts_max) {  // the nearest are the first to be read past
    if (!sequence_less(cut.from, cuts_.back().from)) return;
    --cut_count_;
    --end;
  }
  const auto at = std::find_if(
      cuts_.begin(), end, [&cut](const Cut& each) { return !sequence_less(each.from, cut.from); });
  if (at != end && at->from == cut.from) {  // sent again, cut again
    at->to = std::max(at->to, cut.to, sequence_less);
    return;
  }
  std::move_backward(at, end, end + 1);
  *at = cut;
  ++cut_count_;
}

bool MessageStream::acknowledged(std::uint32_t sequence, Timestamp time, bool at_once) noexcept {
  const auto behind = stream_->behind_gap();
  if (!behind || sequence_less(sequence, *behind)) {
    missed_since_.reset();
    return false;
  }
  if (!missed_since_) missed_since_ = time;
  if (!at_once && time - *missed_since_ < patience) return false;
  skip_hole();
  return true;
}

bool MessageStream::ended() noexcept {
  if (!stream_->behind_gap()) return false;
  skip_hole();
  return true;
}

// What waits behind it is read from the next message on.
void MessageStream::skip_hole() noexcept {
  const std::uint32_t from = stream_->next_sequence();
  stream_->skip_gap();
  in_step_ = at_head_ = false;
  const auto first_readable =
      stream_->next_sequence() - static_cast<std::uint32_t>(stream_->readable().size());
  note_skipped({from, first_readable});
}

void MessageStream::note_skipped(Range hole) noexcept {
  if (!sequence_less(hole.from, hole.to)) return;
  skipped_[next_skipped_] = hole;
  next_skipped_ = (next_skipped_ + 1) % skipped_max;
}

// Each byte of a hole is news once: what has come of it is taken out.
void MessageStream::look_for_late(Range segment, Bytes bytes) noexcept {
  late_ = {};
  late_at_ = 0;
  const std::uint32_t read = stream_->next_sequence();
  for (Range& hole : skipped_) {
    if (!sequence_less(hole.from, hole.to)) continue;
    if (read - hole.to > bytes_max) {  // long ago: sequence numbers come round
      hole = {};
    } else if (!sequence_less(segment.from, hole.from) && !sequence_less(hole.to, segment.to)) {
      const Range rest{segment.to, std::exchange(hole.to, segment.from)};
      note_skipped(rest);
      late_.assign(bytes.begin(), bytes.end());
      return;
    }
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

// A balancer's header in front of the first message. False: it may be one, and is not all here.
bool MessageStream::pass_preamble() noexcept {
  if (!at_head_ || stream_->readable().empty()) return true;
  const Preamble preamble = proxy_header(stream_->readable());
  if (preamble.cut) return false;
  stream_->consume(preamble.bytes);
  at_head_ = false;
  return true;
}

std::optional<StreamMessage> MessageStream::next() {
  if (auto late = next_late()) return late;
  if (!pass_preamble()) return std::nullopt;
  if (told_cut_) read_on_behind_cut();
  if (auto whole = next_whole()) return whole;
  return next_cut();
}

std::optional<StreamMessage> MessageStream::next_late() {
  if (late_.empty()) return std::nullopt;
  const Bytes bytes = Bytes{late_}.subspan(late_at_);
  if (dns_content_over_tcp(bytes) != DnsContent::message) {
    late_ = {};
    return std::nullopt;
  }
  ByteCursor in(bytes);
  const Bytes message = in.take(in.be16());
  late_at_ += in.position();
  return StreamMessage{message, message.size()};
}

std::optional<StreamMessage> MessageStream::next_whole() {
  if (!in_step_) find_step();
  if (!in_step_) return std::nullopt;
  ByteCursor in(stream_->readable());
  const Bytes message = in.take(in.be16());
  if (!in.ok()) return std::nullopt;
  stream_->consume(in.position());
  const std::uint32_t end =
      stream_->next_sequence() - static_cast<std::uint32_t>(stream_->readable().size());
  return StreamMessage{message, message.size(), arrival_of(end)};
}

// What the snap length left of a message, when the stream has come to where it was cut.
std::optional<StreamMessage> MessageStream::next_cut() {
  const Cut* const cut =
      std::find_if(cuts_.data(), cuts_.data() + cut_count_,
                   [this](const Cut& each) { return each.from == stream_->next_sequence(); });
  if (cut == cuts_.data() + cut_count_) return std::nullopt;
  ByteCursor in(stream_->readable());
  const std::size_t length = in.be16();
  const bool known = in.ok() && in_step_;
  // Behind a cut inside of another message, or of several, the next one is found again.
  in_step_ = known && length - in.left() == cut->to - cut->from;
  if (!known || in.left() == 0) {
    read_on_behind_cut();
    return next();
  }
  told_cut_ = true;
  return StreamMessage{in.rest(), length};
}

void MessageStream::read_on_behind_cut() noexcept {
  told_cut_ = false;
  const std::uint32_t read = stream_->next_sequence();
  const auto end = cuts_.begin() + static_cast<std::ptrdiff_t>(cut_count_);
  const auto at =
      std::find_if(cuts_.begin(), end, [read](const Cut& each) { return each.from == read; });
  if (at == end) return;
  stream_->skip_to(at->to);
  std::move(at + 1, end, at);
  --cut_count_;
}

}  // namespace dpi
