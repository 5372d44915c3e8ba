// What came how often, by name: bounded, with what came too late for a place of its own as
// "others".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dpi {

struct Totals {
  std::uint64_t events = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes_src = 0;  // from the flow's initiator
  std::uint64_t bytes_dst = 0;
  std::uint64_t answered = 0;   // of DNS exchanges
  std::uint64_t first_seq = 0;  // the event that told of it first

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_src + bytes_dst; }
};

class Tally {
 public:
  static constexpr std::string_view others = "others";
  struct Line {
    std::string_view name;
    const Totals* totals;
  };

  explicit Tally(std::size_t names_max) : names_max_(names_max) {}
  // The totals of that name, to be added to; `seq` is the event that tells of it.
  Totals& at(std::string_view name, std::uint64_t seq);
  [[nodiscard]] bool empty() const noexcept { return totals_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return totals_.size(); }
  // The most bytes first, then the most events, then by name.
  [[nodiscard]] std::vector<Line> ranking() const;

 private:
  std::size_t names_max_;
  std::map<std::string, Totals, std::less<>> totals_;
};

}  // namespace dpi
