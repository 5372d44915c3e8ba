#include "probe/base/holders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>

namespace dpi {
namespace {

struct Item {
  int id = 0;
  Holders<Item>::Place held;
};

IpAddress address(std::uint8_t last) {
  return IpAddress::from_wire(std::array<std::uint8_t, 4>{192, 0, 2, last});
}

// What Holders promises, by looking at everything.
class Model {
 public:
  explicit Model(std::size_t fair) : fair_(fair) {}
  void add(std::uint8_t who, int id, std::size_t amount) {
    holders_[who].items.push_back({id, amount, next_age_++});
  }
  void resize(std::uint8_t who, int id, std::size_t amount) { find(who, id)->amount = amount; }
  void touch(std::uint8_t who, int id) {
    auto& items = holders_[who].items;
    items.splice(items.end(), items, find(who, id));
    items.back().age = next_age_++;
  }
  void remove(std::uint8_t who, int id) {
    holders_[who].items.erase(find(who, id));
    if (holders_[who].items.empty()) holders_.erase(who);
  }
  [[nodiscard]] int oldest_of_largest() const {
    const Holder* best = nullptr;
    for (const auto& [who, holder] : holders_) {
      if (best == nullptr || held(holder) > held(*best) ||
          (held(holder) == held(*best) && holder.items.front().age < best->items.front().age))
        best = &holder;
    }
    return best == nullptr ? -1 : best->items.front().id;
  }
  [[nodiscard]] std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& [who, holder] : holders_) sum += holder.amount();
    return sum;
  }

 private:
  struct Held {
    int id;
    std::size_t amount;
    std::uint64_t age;
  };
  struct Holder {
    std::list<Held> items;
    [[nodiscard]] std::size_t amount() const {
      std::size_t sum = 0;
      for (const Held& item : items) sum += item.amount;
      return sum;
    }
  };
  [[nodiscard]] std::size_t held(const Holder& holder) const {
    return std::max(holder.amount(), fair_);
  }
  std::list<Held>::iterator find(std::uint8_t who, int id) {
    auto& items = holders_[who].items;
    return std::find_if(items.begin(), items.end(), [id](const Held& i) { return i.id == id; });
  }
  std::size_t fair_;
  std::map<std::uint8_t, Holder> holders_;
  std::uint64_t next_age_ = 0;
};

TEST(HoldersTest, TheOldestItemOfTheLargestGoesFirst) {
  Holders<Item> holders{HashSeed{}, 0};
  std::array<Item, 3> items{{{1, {}}, {2, {}}, {3, {}}}};
  EXPECT_EQ(holders.oldest_of_largest(), nullptr);
  holders.add(address(1), items[0], 3);
  holders.add(address(2), items[1], 2);
  EXPECT_EQ(holders.oldest_of_largest()->id, 1);
  holders.add(address(2), items[2], 2);
  EXPECT_EQ(holders.oldest_of_largest()->id, 2);
  holders.touch(items[1]);
  EXPECT_EQ(holders.oldest_of_largest()->id, 3);
  holders.remove(items[2]);
  EXPECT_EQ(holders.oldest_of_largest()->id, 1);
  EXPECT_EQ(holders.total(), 5U);
}

// Thousands of made-up holders of one each do not make one who needs two the largest.
TEST(HoldersTest, OfThoseWhoHoldAFairAmountTheOldestItemOfAllGoesFirst) {
  Holders<Item> holders{HashSeed{}, 2};
  std::array<Item, 4> items{{{1, {}}, {2, {}}, {3, {}}, {4, {}}}};
  holders.add(address(1), items[0], 1);
  holders.add(address(2), items[1], 2);
  holders.add(address(3), items[2], 1);
  EXPECT_EQ(holders.oldest_of_largest()->id, 1);
  holders.remove(items[0]);
  EXPECT_EQ(holders.oldest_of_largest()->id, 2);
  holders.touch(items[1]);
  EXPECT_EQ(holders.oldest_of_largest()->id, 3);
  holders.add(address(2), items[3], 1);
  EXPECT_EQ(holders.oldest_of_largest()->id, 2) << "three are more than fair";
}

TEST(HoldersTest, AfterAnyStepsItSaysWhatAWholeSearchWouldFind) {
  std::mt19937 random{1};
  constexpr std::size_t fair = 4;
  Holders<Item> holders{HashSeed{1, 2}, fair};
  Model model{fair};
  std::list<std::pair<std::uint8_t, Item>> items;
  int next_id = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto amount = static_cast<std::size_t>(random() % 4);
    if (items.size() < 40 && random() % 3 != 0) {
      const auto who = static_cast<std::uint8_t>(random() % 12);
      auto& [owner, item] = items.emplace_back(who, Item{next_id++, {}});
      holders.add(address(owner), item, amount);
      model.add(owner, item.id, amount);
    } else if (!items.empty()) {
      const auto at =
          std::next(items.begin(), static_cast<std::ptrdiff_t>(random() % items.size()));
      auto& [owner, item] = *at;
      const unsigned kind = random() % 4;
      if (kind == 0) {
        holders.touch(item);
        model.touch(owner, item.id);
      } else if (kind == 1) {
        holders.resize(item, amount);
        model.resize(owner, item.id, amount);
      } else {
        holders.remove(item);
        model.remove(owner, item.id);
        items.erase(at);
      }
    }
    const Item* const found = holders.oldest_of_largest();
    ASSERT_EQ(found == nullptr ? -1 : found->id, model.oldest_of_largest()) << step;
    ASSERT_EQ(holders.total(), model.total()) << step;
  }
}

}  // namespace
}  // namespace dpi
