// A ByteCursor whose integers have a byte order known only at run time: the capturing machine's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "probe/base/byte_cursor.h"

namespace dpi {

enum class ByteOrder { little, big };

class OrderedCursor {
 public:
  OrderedCursor(Bytes bytes, ByteOrder order) noexcept
      : in_(bytes), big_(order == ByteOrder::big) {}

  [[nodiscard, gnu::always_inline]] std::uint8_t u8() noexcept { return in_.u8(); }
  [[nodiscard, gnu::always_inline]] std::uint16_t u16() noexcept {
    return big_ ? in_.be16() : in_.le16();
  }
  [[nodiscard, gnu::always_inline]] std::uint32_t u32() noexcept {
    return big_ ? in_.be32() : in_.le32();
  }
  [[nodiscard, gnu::always_inline]] std::uint64_t u64() noexcept {
    return big_ ? in_.be64() : in_.le64();
  }
  Bytes take(std::size_t n) noexcept { return in_.take(n); }
  void skip(std::size_t n) noexcept { in_.skip(n); }
  [[nodiscard]] std::size_t left() const noexcept { return in_.left(); }
  [[nodiscard]] bool ok() const noexcept { return in_.ok(); }

 private:
  ByteCursor in_;
  bool big_;
};

}  // namespace dpi
