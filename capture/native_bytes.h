// Structures that this machine's kernel wrote, read out of borrowed bytes. Not for packets: those
// go through ByteCursor.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <type_traits>

#include "probe/base/bytes.h"

namespace dpi {

// Nothing when it does not lie in the bytes entirely.
template <class T>
[[nodiscard]] std::optional<T> read_native(Bytes bytes, std::size_t offset) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace dpi
