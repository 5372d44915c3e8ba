// A bounded hand-over from one thread to another, of this process or of one that shares its memory:
// a fixed number of slots that the producer fills and the consumer reads in place. Nothing is
// allocated; the producer waits, or is told, when the consumer is behind. Lock-free.
//
// Made for peers that die. A slot is the consumer's until it releases it, so that whoever takes the
// place of a dead consumer finds it again; what a dead producer was filling can be told from what
// it had published. And made for peers that lie: what the other side wrote chooses among our slots,
// never an address outside of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "probe/base/check.h"
#include "probe/base/doorbell.h"
#include "probe/base/shared_memory.h"

namespace dpi {

template <class T>
class SlotRing {
 public:
  SlotRing() = default;
  // A producer that waits for room is woken when so many slots, or fewer, are full.
  [[nodiscard]] static Result<SlotRing> make(std::size_t slots, std::size_t wake_at) {
    DPI_CHECK(slots > 0 && (slots & (slots - 1)) == 0);  // indices wrap at 2^32
    auto items = SharedArray<T>::make(slots);
    if (!items) return tl::unexpected(items.error());
    auto order = SharedArray<std::atomic<std::uint32_t>>::make(slots);
    if (!order) return tl::unexpected(order.error());
    auto state = SharedArray<State>::make(1);
    if (!state) return tl::unexpected(state.error());
    SlotRing out;
    out.items_ = std::move(*items);
    out.order_ = std::move(*order);
    out.state_ = std::move(*state);
    out.wake_at_ = wake_at;
    out.produce_on();
    return out;
  }
  // Empty, as made. Nobody else uses it now.
  void reset() noexcept {
    state_[0].head.store(0, std::memory_order_relaxed);
    state_[0].tail.store(0, std::memory_order_relaxed);
    state_[0].filling.store(0, std::memory_order_relaxed);
    state_[0].waiting_max.store(0, std::memory_order_relaxed);
    taken_ = 0;
    produce_on();
  }

  // Producer. The slot that is being filled, the same until it is published; null: all are full.
  // The one that was free last comes first: it is still in the processor's cache.
  [[nodiscard]] T* try_claim() noexcept {
    if (claimed_ == none) {
      reclaim();
      if (free_.empty()) return nullptr;
      claimed_ = free_.back();
      free_.pop_back();
      state_[0].filling.store(pack(tail_, claimed_), std::memory_order_release);
    }
    return &items_[claimed_];
  }
  // Waits for one for as long as `go_on` says so; null: no longer.
  template <class GoOn>
  [[nodiscard]] T* claim(GoOn go_on) noexcept {
    while (true) {
      const std::uint32_t rung = state_[0].room.rung();
      if (T* const slot = try_claim(); slot != nullptr) return slot;
      if (!go_on()) return nullptr;
      state_[0].room.wait(rung, std::chrono::milliseconds{50});
    }
  }
  void publish() noexcept {
    DPI_CHECK(claimed_ != none);
    mine_[tail_ % mine_.size()] = claimed_;
    order_[tail_ % mine_.size()].store(claimed_, std::memory_order_relaxed);
    state_[0].tail.store(++tail_, std::memory_order_release);
    claimed_ = none;
    const auto now = static_cast<std::uint32_t>(waiting());
    if (now > state_[0].waiting_max.load(std::memory_order_relaxed))
      state_[0].waiting_max.store(now, std::memory_order_relaxed);
  }
  // The producer's part is taken over, from one that has died or before the fork.
  void produce_on() {
    claimed_ = none;
    tail_ = state_[0].tail.load(std::memory_order_acquire);
    reclaimed_ = state_[0].head.load(std::memory_order_acquire);
    mine_.assign(items_.size(), none);
    std::vector<bool> used(items_.size(), false);
    if (tail_ - reclaimed_ > items_.size()) reclaimed_ = tail_;
    for (std::uint32_t at = reclaimed_; at != tail_; ++at) {
      const std::size_t slot = slot_at(at);
      mine_[at % mine_.size()] = static_cast<std::uint32_t>(slot);
      used[slot] = true;
    }
    free_.clear();
    for (std::size_t slot = items_.size(); slot-- > 0;)
      if (!used[slot]) free_.push_back(static_cast<std::uint32_t>(slot));
  }
  // What a dead producer was filling; null: nothing that it had not published. Publishing it, or
  // not, is the caller's choice.
  [[nodiscard]] T* left() noexcept {
    const std::uint64_t filling = state_[0].filling.load(std::memory_order_acquire);
    const std::uint32_t slot = low(filling);
    if (slot == 0 || slot > items_.size() ||
        high(filling) != state_[0].tail.load(std::memory_order_acquire))
      return nullptr;
    return &items_[slot - 1];
  }
  void publish_left() noexcept {
    if (left() == nullptr) return;
    produce_on();
    claimed_ = low(state_[0].filling.load(std::memory_order_acquire)) - 1;
    publish();
  }

  // Consumer. The next slot that it has not taken yet; null: there is none.
  [[nodiscard]] T* try_take() noexcept {
    if (waiting_untaken() == 0) return nullptr;
    return &items_[slot_at(taken_++)];
  }
  // The slot that was taken first goes back.
  void release() noexcept {
    state_[0].head.store(released() + 1, std::memory_order_release);
    if (waiting() <= wake_at_) state_[0].room.ring();
  }
  // The consumer's part is taken over: what was not released comes again.
  void consume_on() noexcept { taken_ = released(); }
  // How many have been released so far, modulo 2^32.
  [[nodiscard]] std::uint32_t released() const noexcept {
    return state_[0].head.load(std::memory_order_acquire);
  }

  // Anybody. Published and not released. The head first: it never passes a tail read later.
  [[nodiscard]] std::size_t waiting() const noexcept {
    const std::uint32_t head = released();
    return std::min<std::size_t>(state_[0].tail.load(std::memory_order_acquire) - head,
                                 items_.size());
  }
  // The most that waited at once since the last call, which one thread makes.
  [[nodiscard]] std::size_t take_waiting_max() noexcept {
    const std::size_t most = state_[0].waiting_max.exchange(0, std::memory_order_relaxed);
    return std::min(std::max(most, waiting()), items_.size());
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return items_.size(); }
  // The oldest that was not released; null: there is none.
  [[nodiscard]] const T* oldest() const noexcept {
    if (waiting() == 0) return nullptr;
    return &items_[slot_at(released())];
  }

 private:
  static constexpr std::uint32_t none = 0xffffffffU;
  static constexpr std::size_t cache_line_bytes = 64;
  struct State {
    alignas(cache_line_bytes) std::atomic<std::uint32_t> head{0};
    Doorbell room;
    alignas(cache_line_bytes) std::atomic<std::uint32_t> tail{0};
    std::atomic<std::uint32_t> waiting_max{0};
    std::atomic<std::uint64_t> filling{0};  // tail when it was claimed, and the slot + 1
  };
  static constexpr std::uint64_t pack(std::uint32_t tail, std::uint32_t slot) noexcept {
    return std::uint64_t{tail} << 32U | (slot + 1);
  }
  static constexpr std::uint32_t high(std::uint64_t packed) noexcept {
    return static_cast<std::uint32_t>(packed >> 32U);
  }
  static constexpr std::uint32_t low(std::uint64_t packed) noexcept {
    return static_cast<std::uint32_t>(packed);
  }

  [[nodiscard]] std::size_t slot_at(std::uint32_t at) const noexcept {
    const std::uint32_t slot = order_[at % items_.size()].load(std::memory_order_relaxed);
    return std::min<std::size_t>(slot, items_.size() - 1);
  }
  [[nodiscard]] std::size_t waiting_untaken() const noexcept {
    const std::uint32_t ahead = state_[0].tail.load(std::memory_order_acquire) - taken_;
    return ahead > items_.size() ? 0 : ahead;
  }
  // A head beyond what was published is a lie and moves nothing.
  void reclaim() noexcept {
    const std::uint32_t freed = state_[0].head.load(std::memory_order_acquire) - reclaimed_;
    if (freed > tail_ - reclaimed_) return;
    for (std::uint32_t i = 0; i < freed; ++i) free_.push_back(mine_[reclaimed_++ % mine_.size()]);
  }

  SharedArray<T> items_;
  SharedArray<std::atomic<std::uint32_t>>
      order_;  // slots in the order in which they were published
  SharedArray<State> state_;
  std::size_t wake_at_ = 0;
  // The producer's own.
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> mine_;  // what it put into order_
  std::uint32_t tail_ = 0;
  std::uint32_t reclaimed_ = 0;
  std::uint32_t claimed_ = none;
  // The consumer's own: up to where it has taken.
  std::uint32_t taken_ = 0;
};

}  // namespace dpi
