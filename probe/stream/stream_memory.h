// How many bytes all streams of one worker may hold together. One thread.
#pragma once

#include <cstddef>

namespace dpi {

class StreamMemory {
 public:
  explicit StreamMemory(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}
  StreamMemory(const StreamMemory&) = delete;
  StreamMemory& operator=(const StreamMemory&) = delete;
  ~StreamMemory() = default;

  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    if (bytes > bytes_max_ - used_) return false;
    used_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) noexcept { used_ -= bytes; }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

 private:
  std::size_t bytes_max_;
  std::size_t used_ = 0;
};

}  // namespace dpi
