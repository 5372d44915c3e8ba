// What of a TCP direction was skipped over and not seen since.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>

namespace dpi {

// Modulo 2^32 (RFC 9293 §3.4).
[[nodiscard]] constexpr bool sequence_before(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) < 0;
}

// Most flows have none: the places are made with the first.
class SequenceHoles {
 public:
  // `missing` of [from, to). Where there are more holes than places, two neighbours become one that
  // has bytes between them.
  struct Hole {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::uint32_t missing = 0;
    std::uint32_t parts = 1;
  };

  SequenceHoles() = default;
  SequenceHoles(const SequenceHoles& other)
      : places_(other.places_ ? std::make_unique<Places>(*other.places_) : nullptr),
        count_(other.count_) {}
  SequenceHoles& operator=(const SequenceHoles& other) { return *this = SequenceHoles{other}; }
  SequenceHoles(SequenceHoles&&) noexcept = default;
  SequenceHoles& operator=(SequenceHoles&&) noexcept = default;
  ~SequenceHoles() = default;

  // In the order of the sequence.
  [[nodiscard]] std::span<const Hole> all() const noexcept {
    return places_ ? std::span<const Hole>{*places_}.first(count_) : std::span<const Hole>{};
  }
  // Behind all others.
  void add(std::uint32_t from, std::uint32_t to);
  // Takes the bytes of [from, to) out; true when any of it was missing.
  bool fill(std::uint32_t from, std::uint32_t to);
  void clear() noexcept { count_ = 0; }
  template <class Condition>
  void forget(Condition condition) {
    if (!places_) return;
    const auto begin = places_->begin();
    count_ = static_cast<std::uint8_t>(std::remove_if(begin, begin + count_, condition) - begin);
  }

 private:
  static constexpr std::size_t holes_max = 8;
  using Places = std::array<Hole, holes_max>;
  void insert(std::size_t at, const Hole& hole);
  void remove(std::size_t at);
  void merge();
  bool fill_one(std::size_t at, std::uint32_t from, std::uint32_t to);

  std::unique_ptr<Places> places_;
  std::uint8_t count_ = 0;
};

}  // namespace dpi
