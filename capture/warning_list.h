// What a live source has to tell, bounded however long it runs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace dpi {

inline constexpr std::size_t warnings_max = 1000;

class WarningList {
 public:
  void add(std::string sentence) {
    if (sentences_.size() + 1 < warnings_max) {
      sentences_.push_back(std::move(sentence));
    } else if (sentences_.size() < warnings_max) {
      sentences_.emplace_back("further warnings of this source are not kept; its counters go on");
    }
  }
  [[nodiscard]] std::span<const std::string> all() const noexcept { return sentences_; }

 private:
  std::vector<std::string> sentences_;
};

}  // namespace dpi
