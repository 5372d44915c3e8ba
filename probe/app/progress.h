// A progress bar on standard error: packets read, and how far the captures are. Silent unless asked
// for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace dpi {

class Progress {
 public:
  Progress(bool enabled, std::uint64_t bytes_total)
      : enabled_(enabled), bytes_total_(bytes_total) {}
  // `bytes_done` counts captures that are finished; cheap when called for every batch.
  void update(std::uint64_t packets, std::uint64_t bytes_done, std::string_view capture);
  void clear();

 private:
  bool enabled_;
  std::uint64_t bytes_total_;
  std::chrono::steady_clock::time_point drawn_{};
  bool visible_ = false;
};

}  // namespace dpi
