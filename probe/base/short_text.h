// Text of a bounded length that needs no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string_view>

namespace dpi {

template <std::size_t capacity>
class ShortText {
 public:
  static_assert(capacity <= 255);

  void push_back(char c) noexcept { text_[size_++] = c; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }
  operator std::string_view() const noexcept { return view(); }  // NOLINT: it is text

  friend bool operator==(const ShortText& a, std::string_view b) noexcept { return a.view() == b; }
  friend std::ostream& operator<<(std::ostream& out, const ShortText& text) {
    return out << text.view();
  }

 private:
  std::array<char, capacity> text_;  // NOLINT: written before it is read
  std::uint8_t size_ = 0;
};

}  // namespace dpi
