#include "probe/envelope/canonical.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "probe/base/check.h"

namespace dpi {
namespace {

constexpr std::string_view upper_hex = "0123456789ABCDEF";
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t integer_digits_max = 16;  // of 2^53 − 1

constexpr bool is_plain(std::uint8_t b) noexcept {
  return b >= 0x20 && b <= 0x7e && b != '"' && b != '\\';
}

// Rule 4: 0x21–0x7E except the quote, the backslash and the per cent sign stand for themselves.
constexpr bool is_pct_plain(std::uint8_t b) noexcept {
  return b >= 0x21 && b <= 0x7e && b != '"' && b != '\\' && b != '%';
}

constexpr bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// What a byte may be part of.
enum : std::uint8_t { plain_byte = 1, name_byte = 2, digit_byte = 4 };
constexpr auto byte_uses = [] {
  std::array<std::uint8_t, 256> out{};
  for (std::size_t b = 0; b < out.size(); ++b) {
    if (is_plain(static_cast<std::uint8_t>(b))) out[b] |= plain_byte;
    if (is_name_char(static_cast<char>(b))) out[b] |= name_byte;
    if (b >= '0' && b <= '9') out[b] |= digit_byte;
  }
  return out;
}();

constexpr bool has_use(char c, std::uint8_t use) noexcept {
  return (byte_uses[static_cast<std::uint8_t>(c)] & use) != 0;
}

// A strict reader that only says yes or no. Position moves over what was accepted.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool whole() noexcept { return value(0) && at_ == end_; }

 private:
  static constexpr int depth_max = 16;

  [[nodiscard]] char peek() const noexcept { return at_ != end_ ? *at_ : '\0'; }
  bool accept(char c) noexcept {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool accept(std::string_view word) noexcept {
    if (!std::string_view{at_, end_}.starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  // The bytes of that use that come next.
  std::string_view take(std::uint8_t use) noexcept {
    const char* const start = at_;
    const char* at = start;
    while (at != end_ && has_use(*at, use)) ++at;
    at_ = at;
    return {start, at};
  }

  bool value(int depth) noexcept {
    switch (peek()) {
      case '{':
        return depth < depth_max && object(depth);
      case '[':
        return depth < depth_max && array(depth);
      case '"':
        return string();
      case 't':
        return accept("true");
      case 'f':
        return accept("false");
      default:
        return number();
    }
  }
  bool string() noexcept {
    ++at_;
    take(plain_byte);
    return accept('"');
  }
  // 0 … 2^53−1, or −(2^53−1) … −1; no leading zero.
  bool number() noexcept {
    const bool negative = accept('-');
    const std::string_view digits = take(digit_byte);
    if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return false;
    if (digits.size() > integer_digits_max) return false;
    std::uint64_t n = 0;
    for (const char c : digits) n = n * 10 + static_cast<std::uint64_t>(c - '0');
    return n <= integer_max && !(negative && n == 0);
  }
  bool object(int depth) noexcept {
    ++at_;
    if (accept('}')) return true;
    std::string_view last;
    do {
      if (!accept('"')) return false;
      const std::string_view name = take(name_byte);
      if (name.empty() || name.size() > name_bytes_max || name[0] < 'a' || name <= last)
        return false;
      last = name;
      if (!accept('"') || !accept(':') || !value(depth + 1)) return false;
    } while (accept(','));
    return accept('}');
  }
  bool array(int depth) noexcept {
    ++at_;
    if (accept(']')) return true;
    do {
      if (!value(depth + 1)) return false;
    } while (accept(','));
    return accept(']');
  }

  const char* at_;
  const char* end_;
};

}  // namespace

bool append_pct(std::string& out, Bytes bytes, std::size_t limit) {
  std::size_t written = 0;
  for (const std::uint8_t b : bytes) {
    const std::size_t width = is_pct_plain(b) ? 1 : 3;
    if (limit - written < width) return false;
    written += width;
    if (width == 1) {
      out.push_back(static_cast<char>(b));
    } else {
      out.push_back('%');
      out.push_back(upper_hex[b >> 4U]);
      out.push_back(upper_hex[b & 15U]);
    }
  }
  return true;
}

std::string pct_text(Bytes bytes) {
  std::string out;
  append_pct(out, bytes);
  return out;
}

bool is_canonical_text(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return has_use(c, plain_byte); });
}

bool is_canonical_json(std::string_view text) noexcept {
  return Scanner{text}.whole();
}

void CanonicalWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  if (!first_[depth_ - 1]) out_.push_back(',');
  first_[depth_ - 1] = false;
}

void CanonicalWriter::begin_object() {
  separate();
  DPI_CHECK(depth_ < depth_max);
  first_[depth_] = true;
  last_key_[depth_] = {};
  ++depth_;
  out_.push_back('{');
}

void CanonicalWriter::end_object() {
  DPI_CHECK(depth_ > 0 && !after_key_);
  --depth_;
  out_.push_back('}');
}

void CanonicalWriter::begin_array() {
  separate();
  DPI_CHECK(depth_ < depth_max);
  first_[depth_] = true;
  last_key_[depth_] = {};
  ++depth_;
  out_.push_back('[');
}

void CanonicalWriter::end_array() {
  DPI_CHECK(depth_ > 0);
  --depth_;
  out_.push_back(']');
}

void CanonicalWriter::key(std::string_view name) {
  DPI_CHECK(depth_ > 0 && !after_key_);
  DPI_CHECK(last_key_[depth_ - 1] < name && name.size() <= name_bytes_max);
  last_key_[depth_ - 1] = name;
  // One growth for each: this runs for every member of every event.
  std::array<char, name_bytes_max + 4> text;  // NOLINT: written before it is read
  char* at = text.data();
  if (!first_[depth_ - 1]) *at++ = ',';
  first_[depth_ - 1] = false;
  *at++ = '"';
  at = std::copy(name.begin(), name.end(), at);
  *at++ = '"';
  *at++ = ':';
  out_.append(text.data(), at);
  after_key_ = true;
}

void CanonicalWriter::value(std::uint64_t number) {
  separate();
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, std::min(number, integer_max)).ptr;
  out_.append(digits, end);
}

void CanonicalWriter::value_signed(std::int64_t number) {
  const auto magnitude =
      number < 0 ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
  separate();
  if (number < 0) out_.push_back('-');
  char digits[24];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, std::min(magnitude, integer_max)).ptr;
  out_.append(digits, end);
}

void CanonicalWriter::value(bool truth) {
  separate();
  out_ += truth ? "true" : "false";
}

void CanonicalWriter::value(std::string_view canonical) {
  DPI_CHECK(is_canonical_text(canonical));
  quoted(canonical);
}

void CanonicalWriter::quoted(std::string_view text) {
  separate();
  const std::size_t at = out_.size();
  out_.resize(at + text.size() + 2);
  out_[at] = '"';
  std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(at + 1));
  out_.back() = '"';
}

void CanonicalWriter::value(Timestamp time) {
  quoted(view(time_text(time)));
}

void CanonicalWriter::value(const Uuid& uuid) {
  separate();
  out_.push_back('"');
  append_uuid(out_, uuid);
  out_.push_back('"');
}

void CanonicalWriter::value(const IpAddress& address) {
  separate();
  out_.push_back('"');
  append_ip(out_, address);
  out_.push_back('"');
}

void CanonicalWriter::value_hex(Bytes bytes) {
  separate();
  out_.push_back('"');
  append_hex(out_, bytes);
  out_.push_back('"');
}

bool CanonicalWriter::value_pct(Bytes bytes, std::size_t limit) {
  separate();
  out_.push_back('"');
  const bool all = append_pct(out_, bytes, limit);
  out_.push_back('"');
  return all;
}

void CanonicalWriter::member_pct(std::string_view name, Bytes bytes, std::size_t limit) {
  key(name);
  if (value_pct(bytes, limit)) return;
  // Sorts behind its member: '_' is greater than the end of the name. A caller whose next name
  // would sort between the two trips the order check of key().
  out_ += ",\"";
  out_ += name;
  out_ += "_truncated\":true";
}

}  // namespace dpi
