// A list whose items carry their own links: Links<Item> at the member that is named.
#pragma once

namespace dpi {

template <class Item>
struct Links {
  Item* previous = nullptr;
  Item* next = nullptr;
};

template <class Item, Links<Item> Item::*links>
class LinkedList {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] Item* first() const noexcept { return first_; }
  [[nodiscard]] Item* last() const noexcept { return last_; }
  [[nodiscard]] static Item* next(const Item& item) noexcept { return (item.*links).next; }

  void push_back(Item& item) noexcept {
    item.*links = {.previous = last_, .next = nullptr};
    (last_ == nullptr ? first_ : (last_->*links).next) = &item;
    last_ = &item;
  }
  void remove(Item& item) noexcept {
    const Links<Item> around = item.*links;
    (around.previous == nullptr ? first_ : (around.previous->*links).next) = around.next;
    (around.next == nullptr ? last_ : (around.next->*links).previous) = around.previous;
  }

 private:
  Item* first_ = nullptr;
  Item* last_ = nullptr;
};

}  // namespace dpi
