// `ransomeye-dpi diff`: what two runs tell differently.
#pragma once

#include <cstdint>
#include <string>

namespace dpi {

struct DiffOptions {
  std::string first;  // as read_rows() takes it
  std::string second;
  bool json = false;
  std::uint64_t rows = 50;  // told one by one; 0: all
};

// 0 equal, 1 different, else as other commands.
[[nodiscard]] int run_diff(const DiffOptions& options);

}  // namespace dpi
