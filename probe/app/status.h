// `ransomeye-dpi status`: what the database knows of every probe, by its own clock.
#pragma once

#include <string>

namespace dpi {

struct StatusOptions {
  std::string conninfo;
  std::string probe;  // only instances or hosts that begin with it
  bool json = false;
};

// 0 all well, 1 a warning, 2 critical, 3 unknown (unreachable, or no probe at all).
[[nodiscard]] int run_status(const StatusOptions& options);

}  // namespace dpi
