// `ransomeye-dpi status`: what the database knows of every probe, by its own clock.
#pragma once

#include <cstdint>
#include <string>

namespace dpi {

struct StatusOptions {
  std::string conninfo;
  std::string probe;  // only instances or hosts that begin with it
  bool json = false;
  bool problems = false;      // only what is not well
  bool check = false;         // the Nagios plug-in form
  std::uint64_t watch_s = 0;  // 0: once
  bool terminal = false;      // standard output is one
};

// 0 all well, 1 a warning, 2 critical, 3 unknown (unreachable, or no probe at all). With watch_s
// it goes on until a signal ends it.
[[nodiscard]] int run_status(const StatusOptions& options);

}  // namespace dpi
