// A bounded hand-over between two threads: a fixed number of objects travels from producer to
// consumer and back, so that nothing is allocated and the producer waits, or is told, when the
// consumer is behind. Lock-free; sleeping is by futex (std::atomic::wait).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "probe/base/check.h"

namespace dpi {

// One producer thread, one consumer thread.
template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity) : items_(capacity) {}

  // False when full.
  bool try_push(T item) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == items_.size()) return false;
    items_[tail % items_.size()] = item;
    tail_.store(tail + 1, std::memory_order_release);
    tail_.notify_one();
    return true;
  }
  // False when empty.
  bool try_pop(T& item) noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (tail_.load(std::memory_order_acquire) == head) return false;
    item = items_[head % items_.size()];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  T pop() noexcept {
    T item{};
    while (!try_pop(item))
      tail_.wait(head_.load(std::memory_order_relaxed), std::memory_order_acquire);
    return item;
  }
  // From any thread. The head first: it never passes a tail that was read later.
  [[nodiscard]] std::size_t size() const noexcept {
    const std::uint32_t head = head_.load(std::memory_order_acquire);
    const std::uint32_t ahead = tail_.load(std::memory_order_acquire) - head;
    return std::min<std::size_t>(ahead, items_.size());
  }

 private:
  static constexpr std::size_t cache_line_bytes = 64;
  std::vector<T> items_;
  alignas(cache_line_bytes) std::atomic<std::uint32_t> head_{0};
  alignas(cache_line_bytes) std::atomic<std::uint32_t> tail_{0};
};

template <class T>
class Exchange {
 public:
  explicit Exchange(std::size_t objects) : full_(objects), empty_(objects), objects_(objects) {
    DPI_CHECK(objects > 0 && (objects & (objects - 1)) == 0);  // indices wrap at 2^32
    for (T& object : objects_) DPI_CHECK(empty_.try_push(&object));
  }

  // Producer.
  [[nodiscard]] T* acquire() noexcept { return empty_.pop(); }
  [[nodiscard]] T* try_acquire() noexcept {
    T* object = nullptr;
    return empty_.try_pop(object) ? object : nullptr;
  }
  void publish(T* object) noexcept {
    DPI_CHECK(full_.try_push(object));
    const std::size_t waiting = full_.size();
    if (waiting > waiting_max_.load(std::memory_order_relaxed))
      waiting_max_.store(waiting, std::memory_order_relaxed);
  }

  // Consumer.
  [[nodiscard]] T* take() noexcept { return full_.pop(); }
  [[nodiscard]] T* try_take() noexcept {
    T* object = nullptr;
    return full_.try_pop(object) ? object : nullptr;
  }
  void give_back(T* object) noexcept { DPI_CHECK(empty_.try_push(object)); }

  [[nodiscard]] std::size_t waiting() const noexcept { return full_.size(); }
  // The most that waited at once since the last call, which one thread makes.
  [[nodiscard]] std::size_t take_waiting_max() noexcept {
    return std::max(waiting_max_.exchange(0, std::memory_order_relaxed), waiting());
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return objects_.size(); }

 private:
  Ring<T*> full_;
  Ring<T*> empty_;
  std::vector<T> objects_;
  std::atomic<std::size_t> waiting_max_{0};
};

}  // namespace dpi
