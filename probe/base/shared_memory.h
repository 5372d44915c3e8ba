// Memory that this process and those that it forks afterwards see at the same place: plain pointers
// into it hold in all of them. Pages cost nothing until they are touched, and are zero then.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "probe/base/result.h"

namespace dpi {

struct Unmap {
  std::size_t bytes = 0;
  void operator()(void* memory) const noexcept;
};

class SharedMemory {
 public:
  [[nodiscard]] static Result<SharedMemory> map(std::size_t bytes);

  [[nodiscard]] void* data() const noexcept { return memory_.get(); }

 private:
  std::unique_ptr<void, Unmap> memory_;
};

// Objects in such memory. They are never destroyed: other processes may still look at them.
template <class T>
class SharedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  SharedArray() = default;
  [[nodiscard]] static Result<SharedArray> make(std::size_t count) {
    auto memory = SharedMemory::map(count * sizeof(T));
    if (!memory) return tl::unexpected(memory.error());
    SharedArray out;
    out.memory_ = std::move(*memory);
    auto* const first = static_cast<T*>(out.memory_.data());
    for (std::size_t i = 0; i < count; ++i) new (first + i) T;
    out.items_ = std::span<T>{first, count};
    return out;
  }

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] T& operator[](std::size_t at) const noexcept { return items_[at]; }

 private:
  SharedMemory memory_;
  std::span<T> items_;
};

}  // namespace dpi
