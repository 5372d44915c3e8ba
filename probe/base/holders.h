// Who holds how much of a bounded table. At its limit the oldest item of the largest holder makes
// room, so that one who fills a table evicts himself. Every step costs at most the logarithm of the
// number of holders, and nothing depends on the hash's seed.
//
// An item carries its own Place, as the member `held`: nothing is allocated for it. Items must not
// move while they are held.
#pragma once

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
  };

  explicit Holders(HashSeed seed) : holders_(16, Hash{seed}) {}

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
    ranks_.push_back({amount, next_number_++, &holder});
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
    if (item.held.newer == nullptr) return;
    detach(item);
    append(item);
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
    std::uint64_t number = 0;  // holders of as much stand in order of their first items
    Holder* holder = nullptr;

    [[nodiscard]] bool before(const Rank& other) const noexcept {
      return amount != other.amount ? amount > other.amount : number < other.number;
    }
  };
  struct Hash {
    HashSeed seed;
    std::size_t operator()(const IpAddress& who) const noexcept { return siphash(seed, who.bytes); }
  };

  void append(Item& item) noexcept {
    Holder& holder = *item.held.holder;
    item.held.older = holder.newest;
    item.held.newer = nullptr;
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

  // A binary heap, the largest first; holders know where they stand in it.
  void rank(Holder& holder, std::size_t amount) noexcept {
    ranks_[holder.at].amount = amount;
    settle(holder.at);
  }
  void put(std::size_t at, const Rank& rank) noexcept {
    ranks_[at] = rank;
    rank.holder->at = at;
  }
  void settle(std::size_t at) noexcept {
    const Rank moved = ranks_[at];
    for (; at > 0 && moved.before(ranks_[(at - 1) / 2]); at = (at - 1) / 2)
      put(at, ranks_[(at - 1) / 2]);
    for (;;) {
      std::size_t child = 2 * at + 1;
      if (child >= ranks_.size()) break;
      if (child + 1 < ranks_.size() && ranks_[child + 1].before(ranks_[child])) ++child;
      if (!ranks_[child].before(moved)) break;
      put(at, ranks_[child]);
      at = child;
    }
    put(at, moved);
  }

  std::unordered_map<IpAddress, Holder, Hash> holders_;  // its nodes stay where they are
  std::vector<Rank> ranks_;
  std::uint64_t next_number_ = 0;
  std::size_t total_ = 0;
};

}  // namespace dpi
