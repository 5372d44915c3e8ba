// `ransomeye-dpi setup`: from nothing to a checked sensor and its database on one machine, without
// a question. What is there already stays as it is.
#pragma once

#include <string>
#include <vector>

namespace dpi {

struct SetupOptions {
  std::string name;                      // of the sensor: NAME.toml, NAME.pem, ransomeye-dpi@NAME
  std::vector<std::string> interfaces;   // to capture from
  std::string conninfo;                  // a superuser's; its dbname is made if it is not there
  std::string role = "ransomeye-dpi";    // login of the probe
  std::string reader = "ransomeye-soc";  // login of those who look
  std::string tenant = "default";
  std::string folder = "/etc/ransomeye";  // holds dpi/ and keys/
  bool start = false;    // the unit as well, until its canary has come through to the row
  bool dry_run = false;  // prints SQL and files, changes nothing
};

[[nodiscard]] int run_setup(const SetupOptions& options);

}  // namespace dpi
