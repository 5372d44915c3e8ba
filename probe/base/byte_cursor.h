// The only way packet and file bytes are read. After one short read every further read gives 0 and
// ok() stays false, so a parser reads a whole header and asks once. Never reads outside its span.
// Always inlined: a call costs more than the read, and of every packet there are dozens.
#pragma once

#include <cstddef>
#include <cstdint>

#include "probe/base/bytes.h"

namespace dpi {

class ByteCursor {
 public:
  explicit constexpr ByteCursor(Bytes bytes) noexcept : bytes_(bytes) {}

  [[nodiscard, gnu::always_inline]] constexpr std::uint8_t u8() noexcept {
    const Bytes b = take(1);
    return ok_ ? b[0] : std::uint8_t{0};
  }
  [[nodiscard, gnu::always_inline]] constexpr std::uint16_t be16() noexcept {
    const Bytes b = take(2);
    return ok_ ? static_cast<std::uint16_t>(b[0] << 8U | b[1]) : std::uint16_t{0};
  }
  [[nodiscard, gnu::always_inline]] constexpr std::uint32_t be24() noexcept {
    const Bytes b = take(3);
    return ok_ ? std::uint32_t{b[0]} << 16U | std::uint32_t{b[1]} << 8U | b[2] : 0U;
  }
  [[nodiscard, gnu::always_inline]] constexpr std::uint32_t be32() noexcept {
    const Bytes b = take(4);
    return ok_ ? std::uint32_t{b[0]} << 24U | std::uint32_t{b[1]} << 16U |
                     std::uint32_t{b[2]} << 8U | b[3]
               : 0U;
  }
  [[nodiscard, gnu::always_inline]] constexpr std::uint64_t be64() noexcept {
    const std::uint64_t high = be32();
    return high << 32U | be32();
  }
  [[nodiscard, gnu::always_inline]] constexpr std::uint16_t le16() noexcept {
    const Bytes b = take(2);
    return ok_ ? static_cast<std::uint16_t>(b[1] << 8U | b[0]) : std::uint16_t{0};
  }
  [[nodiscard, gnu::always_inline]] constexpr std::uint32_t le32() noexcept {
    const Bytes b = take(4);
    return ok_ ? std::uint32_t{b[3]} << 24U | std::uint32_t{b[2]} << 16U |
                     std::uint32_t{b[1]} << 8U | b[0]
               : 0U;
  }
  [[nodiscard, gnu::always_inline]] constexpr std::uint64_t le64() noexcept {
    const std::uint64_t low = le32();
    return std::uint64_t{le32()} << 32U | low;
  }

  // The next n bytes; an empty span and ok() == false when fewer are left.
  [[gnu::always_inline]] constexpr Bytes take(std::size_t n) noexcept {
    if (!ok_ || n > left()) {
      ok_ = false;
      return {};
    }
    const Bytes taken = bytes_.subspan(position_, n);
    position_ += n;
    return taken;
  }
  constexpr void skip(std::size_t n) noexcept { take(n); }

  // Everything not yet read, without reading it.
  [[nodiscard]] constexpr Bytes rest() const noexcept {
    return ok_ ? bytes_.subspan(position_) : Bytes{};
  }
  [[nodiscard]] constexpr std::size_t left() const noexcept {
    return ok_ ? bytes_.size() - position_ : 0;
  }
  [[nodiscard]] constexpr std::size_t position() const noexcept { return position_; }
  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }

 private:
  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace dpi
