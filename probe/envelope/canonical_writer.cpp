#include "probe/envelope/canonical_writer.h"

namespace dpi {

void CanonicalWriter::begin(char bracket) {
  make_room(number_room);
  DPI_CHECK(depth_ < depth_max);
  last_[depth_++] = {};
  *at_++ = bracket;
}

void CanonicalWriter::end(char opened, char bracket) {
  make_room(number_room);
  DPI_CHECK(depth_ > 0 && (at_[-1] == ',' || at_[-1] == opened));
  if (at_[-1] == ',') --at_;
  *at_++ = bracket;
  --depth_;
  ended();
}

void CanonicalWriter::flush() {
  out_.append(buffer_.data(), at_ - 1);
  buffer_[0] = at_[-1];
  at_ = buffer_.data() + 1;
}

void CanonicalWriter::finish() {
  out_.append(buffer_.data(), at_);
  restart();
}

void CanonicalWriter::append_long(std::string_view text) {
  while (!text.empty()) {
    make_room(number_room);
    const auto room = static_cast<std::size_t>(buffer_.data() + buffer_.size() - at_);
    const std::size_t part = std::min(text.size(), room - 1);
    at_ = std::copy_n(text.begin(), part, at_);
    text.remove_prefix(part);
  }
  make_room(number_room);
}

void CanonicalWriter::value_signed(std::int64_t number) {
  const auto magnitude =
      number < 0 ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
  make_room(2 * number_room);
  if (number < 0) *at_++ = '-';
  value(magnitude);
}

void CanonicalWriter::value(Timestamp time) {
  const TimeText text = time_text(time);
  make_room(short_room);
  *at_++ = '"';
  at_ = std::copy(text.begin(), text.end(), at_);
  *at_++ = '"';
  ended();
}

void CanonicalWriter::value(const Uuid& uuid) {
  make_room(short_room);
  *at_++ = '"';
  at_ = write_uuid(at_, uuid);
  *at_++ = '"';
  ended();
}

void CanonicalWriter::value(const IpAddress& address) {
  make_room(short_room);
  *at_++ = '"';
  at_ = write_ip(at_, address);
  *at_++ = '"';
  ended();
}

void CanonicalWriter::value_hex(Bytes bytes) {
  make_room(number_room);
  *at_++ = '"';
  constexpr std::size_t step = short_text_bytes_max / 2;
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), step))) {
    make_room(short_room);
    at_ = write_hex(at_, bytes.first(std::min(bytes.size(), step)));
  }
  make_room(number_room);
  *at_++ = '"';
  ended();
}

bool CanonicalWriter::value_pct(Bytes bytes, std::size_t limit) {
  make_room(number_room);
  *at_++ = '"';
  bool all = true;
  for (const std::uint8_t b : bytes) {
    const std::size_t width = is_pct_plain(b) ? 1 : 3;
    if (limit < width) {
      all = false;
      break;
    }
    limit -= width;
    make_room(number_room);
    at_ = write_pct(at_, b);
  }
  *at_++ = '"';
  ended();
  return all;
}

void CanonicalWriter::member_pct(MemberName name, Bytes bytes, std::size_t limit) {
  key(name);
  if (value_pct(bytes, limit)) return;
  // Sorts behind its member: '_' is greater than the end of the name. A caller whose next name
  // would sort between the two trips the order check of key().
  const std::string_view text = name.text();
  constexpr std::string_view suffix = "_truncated\":true";
  make_room(member_name_bytes_max + number_room);
  *at_++ = '"';
  at_ = std::copy(text.begin(), text.end(), at_);
  at_ = std::copy(suffix.begin(), suffix.end(), at_);
  ended();
}

}  // namespace dpi
