// Who holds how much of a bounded table. At its limit the oldest item of the largest holder makes
// room, so that one who fills a table evicts himself. Every step costs the logarithm of the number
// of holders, and nothing depends on the hash's seed.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <set>
#include <unordered_map>

#include "probe/base/ip_address.h"
#include "probe/base/siphash.h"

namespace dpi {

template <class Item>
class Holders {
  struct Holder;

 public:
  // Where an item stands.
  struct Place {
    Holder* holder = nullptr;
    typename std::list<Item*>::iterator item;
    std::size_t amount = 0;
  };

  explicit Holders(HashSeed seed) : holders_(16, Hash{seed}) {}

  Place add(const IpAddress& who, Item& item, std::size_t amount) {
    Holder& holder = holders_[who];
    if (holder.items.empty()) {
      holder.who = who;
      holder.number = next_number_++;
      ranks_.insert(&holder);
    }
    holder.items.push_back(&item);
    Place place{&holder, std::prev(holder.items.end()), 0};
    resize(place, amount);
    return place;
  }

  void resize(Place& place, std::size_t amount) {
    Holder& holder = *place.holder;
    if (amount == place.amount) return;
    auto rank = ranks_.extract(&holder);
    holder.amount = holder.amount - place.amount + amount;
    total_ = total_ - place.amount + amount;
    place.amount = amount;
    ranks_.insert(std::move(rank));
  }

  // It is the holder's newest again.
  void touch(const Place& place) {
    std::list<Item*>& items = place.holder->items;
    items.splice(items.end(), items, place.item);
  }

  void remove(Place& place) {
    Holder& holder = *place.holder;
    resize(place, 0);
    holder.items.erase(place.item);
    if (!holder.items.empty()) return;
    ranks_.erase(&holder);
    holders_.erase(IpAddress{holder.who});
  }

  [[nodiscard]] Item* oldest_of_largest() const noexcept {
    return ranks_.empty() ? nullptr : (*ranks_.begin())->items.front();
  }
  [[nodiscard]] std::size_t total() const noexcept { return total_; }

 private:
  struct Holder {
    IpAddress who;
    std::uint64_t number = 0;  // holders of as much stand in order of their first items
    std::size_t amount = 0;
    std::list<Item*> items;  // the oldest first
  };
  struct LargestFirst {
    bool operator()(const Holder* a, const Holder* b) const noexcept {
      return a->amount != b->amount ? a->amount > b->amount : a->number < b->number;
    }
  };
  struct Hash {
    HashSeed seed;
    std::size_t operator()(const IpAddress& who) const noexcept { return siphash(seed, who.bytes); }
  };

  std::unordered_map<IpAddress, Holder, Hash> holders_;  // its nodes stay where they are
  std::set<Holder*, LargestFirst> ranks_;
  std::uint64_t next_number_ = 0;
  std::size_t total_ = 0;
};

}  // namespace dpi
