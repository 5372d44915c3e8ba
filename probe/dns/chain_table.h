// A hash table whose items carry their own links: nothing is allocated but the row of chains, which
// grows with the items. An item has `hash` and `next_in_chain`, which are the table's.
#pragma once

#include <cstdint>
#include <vector>

namespace dpi {

template <class Item>
class ChainTable {
 public:
  ChainTable() : chains_(chains_min) {}

  void insert(Item& item) {
    if (size_ == chains_.size()) grow();
    put(item);
    ++size_;
  }
  void remove(Item& item) noexcept {
    Item** at = &chain(item.hash);
    while (*at != &item) at = &(*at)->next_in_chain;
    *at = item.next_in_chain;
    --size_;
  }
  // The newest item of that hash for which `fits`; nullptr: there is none.
  template <class Fits>
  [[nodiscard]] Item* find(std::uint64_t hash, Fits fits) const noexcept {
    Item* item = chains_[hash & (chains_.size() - 1)];
    while (item != nullptr && !(item->hash == hash && fits(*item))) item = item->next_in_chain;
    return item;
  }

 private:
  static constexpr std::size_t chains_min = 16;

  Item*& chain(std::uint64_t hash) noexcept { return chains_[hash & (chains_.size() - 1)]; }
  void put(Item& item) noexcept {
    Item*& first = chain(item.hash);
    item.next_in_chain = first;
    first = &item;
  }
  void grow() {
    std::vector<Item*> old(chains_.size() * 2);
    old.swap(chains_);
    for (Item* item : old) {
      // Turned round, so that a chain keeps its order.
      Item* turned = nullptr;
      while (item != nullptr) {
        Item* const next = item->next_in_chain;
        item->next_in_chain = turned;
        turned = item;
        item = next;
      }
      while (turned != nullptr) {
        Item* const next = turned->next_in_chain;
        put(*turned);
        turned = next;
      }
    }
  }

  std::vector<Item*> chains_;
  std::size_t size_ = 0;
};

}  // namespace dpi
