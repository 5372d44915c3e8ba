// `ransomeye-dpi spool`: what can be done with a spool without running a sensor.
#pragma once

#include <string>
#include <vector>

namespace dpi {

// What is there: ranges of sound events, damage with file and offset. Exit 5 when there is damage.
int run_spool_check(const std::string& folder);

struct SpoolShipOptions {
  std::string folder;
  std::string conninfo;
  // Also the events of gaps that were declared before they were found.
  bool fill_gaps = false;
};
int run_spool_ship(const SpoolShipOptions& options);

struct SpoolSalvageOptions {
  std::vector<std::string> sources;  // spools, their quarantine folders, copies of either
  std::string to;                    // a new spool: to be shipped, not to be continued
};
int run_spool_salvage(const SpoolSalvageOptions& options);

// Moves a spool that cannot be continued out of the way, into its own quarantine folder.
int run_spool_set_aside(const std::string& folder);

}  // namespace dpi
