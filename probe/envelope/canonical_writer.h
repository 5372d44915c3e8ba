// Writes canonical JSON (docs/envelope.md): sorted names, integers only, strings that need no
// escape. It refuses (DPI_CHECK) what would not be canonical: that is our own mistake, never the
// packet's, because untrusted bytes go through pct-text.
//
// This runs for every member of every event: names are literals whose text and rank the compiler
// knows, and the text grows in a buffer on the stack that `out` gets in one piece when the
// outermost value ends.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "probe/base/bytes.h"
#include "probe/base/check.h"
#include "probe/base/hex.h"
#include "probe/base/ip_address.h"
#include "probe/base/time.h"
#include "probe/envelope/canonical.h"

namespace dpi {

inline constexpr std::size_t member_name_bytes_max = 64;

// A member's name. Its first bytes as a number tell most names' order by one comparison.
class MemberName {
 public:
  constexpr MemberName() = default;
  template <std::size_t size>
  consteval MemberName(const char (&literal)[size])  // NOLINT: literals are names
      : MemberName(std::string_view{literal, size - 1}) {}
  explicit constexpr MemberName(std::string_view text) : text_(text) {
    for (std::size_t i = 0; i < sizeof head_; ++i)
      head_ = head_ << 8U | (i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0U);
  }

  [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }
  [[nodiscard]] bool sorts_behind(const MemberName& other) const noexcept {
    return head_ != other.head_ ? head_ > other.head_ : text_ > other.text_;
  }

 private:
  std::string_view text_;
  std::uint64_t head_ = 0;
};

class CanonicalWriter {
 public:
  explicit CanonicalWriter(std::string& out) : out_(out) { restart(); }
  CanonicalWriter(const CanonicalWriter&) = delete;
  CanonicalWriter& operator=(const CanonicalWriter&) = delete;
  ~CanonicalWriter() { out_.append(buffer_.data(), at_); }

  void begin_object() { begin('{'); }
  void end_object() { end('{', '}'); }
  void begin_array() { begin('['); }
  void end_array() { end('[', ']'); }

  [[gnu::always_inline]] void key(MemberName name) {
    make_room(member_name_bytes_max + 4);
    DPI_CHECK(depth_ > 0 && (at_[-1] == ',' || at_[-1] == '{'));
    DPI_CHECK(name.sorts_behind(last_[depth_ - 1]) && name.text().size() <= member_name_bytes_max);
    last_[depth_ - 1] = name;
    *at_++ = '"';
    std::memcpy(at_, name.text().data(), name.text().size());
    at_ += name.text().size();
    *at_++ = '"';
    *at_++ = ':';
  }

  // Saturates at 2^53−1.
  void value(std::uint64_t number) {
    make_room(number_room);
    if (number < 10) {
      *at_++ = static_cast<char>('0' + number);
    } else {
      at_ = std::to_chars(at_, at_ + number_room, std::min(number, integer_max)).ptr;
    }
    ended();
  }
  void value_signed(std::int64_t number);
  void value(bool truth) {
    make_room(number_room);
    const std::string_view text = truth ? "true" : "false";
    at_ = std::copy(text.begin(), text.end(), at_);
    ended();
  }
  // Only bytes that the canonical form allows.
  void value(std::string_view canonical) {
    DPI_CHECK(is_canonical_text(canonical));
    make_room(short_room);
    *at_++ = '"';
    if (canonical.size() <= short_text_bytes_max) {
      at_ = std::copy(canonical.begin(), canonical.end(), at_);  // an empty one may have no address
    } else {
      append_long(canonical);
    }
    *at_++ = '"';
    ended();
  }
  void value(Timestamp time);
  void value(const Uuid& uuid);
  void value(const IpAddress& address);
  void value_hex(Bytes bytes);
  bool value_pct(Bytes bytes, std::size_t limit);

  template <class T>
  [[gnu::always_inline]] void member(MemberName name, const T& v) {
    key(name);
    if constexpr (std::is_same_v<T, bool>) {
      value(v);
    } else if constexpr (std::is_integral_v<T>) {
      value(static_cast<std::uint64_t>(v));
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
      value(std::string_view{v});
    } else {
      value(v);
    }
  }
  void member_hex(MemberName name, Bytes bytes) {
    key(name);
    value_hex(bytes);
  }
  // The member, and behind it `<name>_truncated` when it had to be cut.
  void member_pct(MemberName name, Bytes bytes, std::size_t limit);

  // Of everything in `out` and on its way there.
  [[nodiscard]] std::size_t size() const noexcept {
    return out_.size() + static_cast<std::size_t>(at_ - buffer_.data());
  }

 private:
  static constexpr std::size_t depth_max = 16;
  static constexpr std::size_t buffer_bytes = 4096;
  static constexpr std::size_t number_room = 24;
  static constexpr std::size_t short_text_bytes_max = 192;
  static constexpr std::size_t short_room = short_text_bytes_max + 4;

  void make_room(std::size_t bytes) {
    if (static_cast<std::size_t>(buffer_.data() + buffer_.size() - at_) < bytes) [[unlikely]]
      flush();
  }
  // A value is whole: it takes its comma along, which an end() behind it takes back.
  void ended() {
    if (depth_ > 0) {
      *at_++ = ',';
    } else {
      finish();
    }
  }
  void begin(char bracket);
  void end(char opened, char bracket);
  void append_long(std::string_view text);
  // All but the last byte, which says what stands before.
  void flush();
  void finish();
  void restart() noexcept { at_ = buffer_.data(); }

  std::string& out_;
  std::array<char, buffer_bytes> buffer_;  // NOLINT: written before it is read
  char* at_ = nullptr;
  std::size_t depth_ = 0;
  std::array<MemberName, depth_max> last_;
};

}  // namespace dpi
