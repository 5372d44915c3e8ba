// Who holds how much of a bounded table. At its limit the oldest item of the largest holder makes
// room, so that one who fills a table evicts himself. Holders of no more than a fair amount are
// equals, of whom the one with the oldest item comes first: who fills the table under thousands of
// made-up addresses, each with a little less than an honest one needs, evicts himself as well, for
// honest items do not stay long. Every step costs at most the logarithm of the number of holders,
// and nothing depends on the hash's seed.
//
// An item carries its own Place, as the member `held`: nothing is allocated for it. Items must not
// move while they are held.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

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
    Item* older = nullptr;  // of the same holder
    Item* newer = nullptr;
    std::size_t amount = 0;
    std::uint64_t age = 0;  // grows with every item that is added or touched
  };

  explicit Holders(HashSeed seed, std::size_t fair) : holders_(16, Hash{seed}), fair_(fair) {}

  void add(const IpAddress& who, Item& item, std::size_t amount) {
    const auto [found, fresh] = holders_.try_emplace(who);
    Holder& holder = found->second;
    item.held = Place{.holder = &holder, .amount = amount};
    append(item);
    total_ += amount;
    if (!fresh) {
      rank(holder, ranks_[holder.at].amount + amount);
      return;
    }
    holder.who = &found->first;
    holder.at = ranks_.size();
    ranks_.push_back({amount, item.held.age, &holder});
    rank(holder, amount);
  }

  void resize(Item& item, std::size_t amount) {
    Place& place = item.held;
    if (amount == place.amount) return;
    rank(*place.holder, ranks_[place.holder->at].amount - place.amount + amount);
    total_ = total_ - place.amount + amount;
    place.amount = amount;
  }

  // It is the holder's newest again.
  void touch(Item& item) noexcept {
    Holder& holder = *item.held.holder;
    detach(item);
    append(item);
    rank(holder, ranks_[holder.at].amount);
  }

  void remove(Item& item) {
    Holder& holder = *item.held.holder;
    detach(item);
    const std::size_t amount = std::exchange(item.held, Place{}).amount;
    total_ -= amount;
    if (holder.oldest != nullptr) {
      rank(holder, ranks_[holder.at].amount - amount);
      return;
    }
    const std::size_t at = holder.at;
    put(at, ranks_.back());
    ranks_.pop_back();
    if (at < ranks_.size()) settle(at);
    holders_.erase(IpAddress{*holder.who});
  }

  [[nodiscard]] Item* oldest_of_largest() const noexcept {
    return ranks_.empty() ? nullptr : ranks_.front().holder->oldest;
  }
  [[nodiscard]] std::size_t total() const noexcept { return total_; }

 private:
  struct Holder {
    const IpAddress* who = nullptr;
    std::size_t at = 0;  // in ranks_
    Item* oldest = nullptr;
    Item* newest = nullptr;
  };
  struct Rank {
    std::size_t amount = 0;
    std::uint64_t age = 0;  // of its oldest item
    Holder* holder = nullptr;
  };
  struct Hash {
    HashSeed seed;
    std::size_t operator()(const IpAddress& who) const noexcept { return siphash(seed, who.bytes); }
  };

  void append(Item& item) noexcept {
    Holder& holder = *item.held.holder;
    item.held.older = holder.newest;
    item.held.newer = nullptr;
    item.held.age = next_age_++;
    (holder.newest == nullptr ? holder.oldest : holder.newest->held.newer) = &item;
    holder.newest = &item;
  }
  void detach(Item& item) noexcept {
    Holder& holder = *item.held.holder;
    Item* const older = item.held.older;
    Item* const newer = item.held.newer;
    (older == nullptr ? holder.oldest : older->held.newer) = newer;
    (newer == nullptr ? holder.newest : newer->held.older) = older;
  }

  [[nodiscard]] bool before(const Rank& a, const Rank& b) const noexcept {
    const std::size_t held = std::max(a.amount, fair_);
    const std::size_t other = std::max(b.amount, fair_);
    return held != other ? held > other : a.age < b.age;
  }
  // A binary heap, the largest first; holders know where they stand in it.
  void rank(Holder& holder, std::size_t amount) noexcept {
    ranks_[holder.at].amount = amount;
    ranks_[holder.at].age = holder.oldest->held.age;
    settle(holder.at);
  }
  void put(std::size_t at, const Rank& rank) noexcept {
    ranks_[at] = rank;
    rank.holder->at = at;
  }
  void settle(std::size_t at) noexcept {
    const Rank moved = ranks_[at];
    for (; at > 0 && before(moved, ranks_[(at - 1) / 2]); at = (at - 1) / 2)
      put(at, ranks_[(at - 1) / 2]);
    for (;;) {
      std::size_t child = 2 * at + 1;
      if (child >= ranks_.size()) break;
      if (child + 1 < ranks_.size() && before(ranks_[child + 1], ranks_[child])) ++child;
      if (!before(ranks_[child], moved)) break;
      put(at, ranks_[child]);
      at = child;
    }
    put(at, moved);
  }

  std::unordered_map<IpAddress, Holder, Hash> holders_;  // its nodes stay where they are
  std::vector<Rank> ranks_;
  std::size_t fair_;
  std::uint64_t next_age_ = 0;
  std::size_t total_ = 0;
};

}  // namespace dpi
