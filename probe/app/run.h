// `ransomeye-dpi run`: the sensor. Captures until it is told to stop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "probe/app/config.h"

namespace dpi {

struct RunOptions {
  std::vector<std::string> interfaces;  // besides those of the configuration: instead of them
  std::vector<std::string> outputs;     // postgres[:CONNINFO], spool, jsonl[:PATH]
  std::string dpdk;                     // EAL arguments, separated by spaces
  std::string filter;
  std::string key;
  bool no_sandbox = false;
  std::uint64_t workers = 0;  // 0: as configured
  std::string config_path;    // empty: none
  // The configuration as it is now, for SIGHUP.
  std::function<Result<Config>()> read_config;
};

// The exit code (docs/operations.md).
[[nodiscard]] int run_sensor(const Config& config, const RunOptions& options);

}  // namespace dpi
