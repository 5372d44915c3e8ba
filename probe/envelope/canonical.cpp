#include "probe/envelope/canonical.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace dpi {
namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t integer_digits_max = 16;  // of 2^53 − 1

constexpr bool is_plain(std::uint8_t b) noexcept {
  return b >= 0x20 && b <= 0x7e && b != '"' && b != '\\';
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

std::string pct_text(Bytes bytes) {
  std::string out;
  append_pct(out, bytes);
  return out;
}

bool is_canonical_text(std::string_view text) noexcept {
  // Eight bytes at a time. A byte that borrows from the next one is itself none of ours, so that
  // what is told of a whole word is exact.
  constexpr std::uint64_t each = 0x0101010101010101U;
  constexpr std::uint64_t top = 0x80 * each;
  const auto holds = [](std::uint64_t word, std::uint64_t byte) noexcept {
    const std::uint64_t differs = word ^ byte * each;
    return (differs - each) & ~differs;
  };
  std::uint64_t bad = 0;
  while (!text.empty()) {
    std::uint64_t word = 'a' * each;
    const std::size_t size = std::min(text.size(), sizeof word);
    std::memcpy(&word, text.data(), size);
    text.remove_prefix(size);
    bad |= word | (word - 0x20 * each) | holds(word, '"') | holds(word, '\\') | holds(word, 0x7f);
  }
  return (bad & top) == 0;
}

bool is_canonical_json(std::string_view text) noexcept {
  return Scanner{text}.whole();
}

}  // namespace dpi
