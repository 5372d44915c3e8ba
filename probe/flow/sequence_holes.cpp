#include "probe/flow/sequence_holes.h"

#include <algorithm>

namespace dpi {

void SequenceHoles::add(std::uint32_t from, std::uint32_t to) {
  if (!places_) {
    places_ = std::make_unique<Places>();
    count_ = 0;
  }
  if (count_ == holes_max) merge();
  (*places_)[count_++] = {from, to, to - from, 1};
}

bool SequenceHoles::fill(std::uint32_t from, std::uint32_t to) {
  bool filled = false;
  for (std::size_t i = 0; i < all().size();) {
    const Hole& hole = (*places_)[i];
    if (!sequence_before(from, hole.to) || !sequence_before(hole.from, to)) {
      ++i;
      continue;
    }
    filled = true;
    if (fill_one(i, from, to)) {
      ++i;
    } else {
      remove(i);
    }
  }
  return filled;
}

// Takes the bytes out of one hole; false when nothing is missing there any more.
bool SequenceHoles::fill_one(std::size_t at, std::uint32_t from, std::uint32_t to) {
  Hole& hole = (*places_)[at];
  const std::uint32_t head = sequence_before(hole.from, from) ? from - hole.from : 0;
  const std::uint32_t tail = sequence_before(to, hole.to) ? hole.to - to : 0;
  const std::uint32_t filled = hole.to - hole.from - head - tail;
  const bool exact = hole.missing == hole.to - hole.from;
  hole.missing -= std::min(filled, hole.missing);
  if (hole.missing == 0) return false;
  if (head == 0) {
    hole.from = to;
  } else if (tail == 0) {
    hole.to = from;
  } else if (exact && count_ < holes_max) {
    const Hole rest{to, hole.to, tail, 1};
    hole.to = from;
    hole.missing = head;
    insert(at + 1, rest);
  }
  return true;
}

void SequenceHoles::insert(std::size_t at, const Hole& hole) {
  const auto first = places_->begin() + static_cast<std::ptrdiff_t>(at);
  std::copy_backward(first, places_->begin() + count_, places_->begin() + count_ + 1);
  *first = hole;
  ++count_;
}

void SequenceHoles::remove(std::size_t at) {
  const auto first = places_->begin() + static_cast<std::ptrdiff_t>(at);
  std::copy(first + 1, places_->begin() + count_, first);
  --count_;
}

// The two neighbours with the least between them become one.
void SequenceHoles::merge() {
  Places& places = *places_;
  std::size_t best = 0;
  for (std::size_t i = 1; i + 1 < count_; ++i) {
    if (places[i + 1].from - places[i].to < places[best + 1].from - places[best].to) best = i;
  }
  Hole& hole = places[best];
  const Hole& next = places[best + 1];
  hole.to = next.to;
  hole.missing += next.missing;
  hole.parts += next.parts;
  remove(best + 1);
}

}  // namespace dpi
