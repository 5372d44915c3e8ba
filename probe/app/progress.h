// A progress bar on standard error: packets read, how fast, how far the captures are, and how long
// it takes. Silent unless asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace dpi {

class Progress {
 public:
  Progress(bool enabled, std::uint64_t bytes_total)
      : enabled_(enabled), bytes_total_(bytes_total) {}
  // Whether update() would draw: not more often than ten times a second.
  [[nodiscard]] bool due() const;
  // `bytes_done` of all captures, those that are being read included.
  void update(std::uint64_t packets, std::uint64_t bytes_done, std::string_view capture);
  void clear();

 private:
  bool enabled_;
  std::uint64_t bytes_total_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point drawn_{};
  bool visible_ = false;
};

}  // namespace dpi
