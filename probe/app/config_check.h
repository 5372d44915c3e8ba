// `ransomeye-dpi config check --deep`: what `run` would refuse or live badly with, before it is
// started or told to read its configuration again. Changes nothing.
#pragma once

#include <string>
#include <vector>

#include "probe/app/config.h"

namespace dpi {

enum class ConfigState : std::uint8_t { fine, warning, error };

struct ConfigFinding {
  ConfigState level = ConfigState::fine;
  std::string topic;   // a key, mostly
  std::string what;    // as it is
  std::string remedy;  // empty when fine
};

struct DeepCheckOptions {
  std::string file;
  std::vector<std::string> interfaces;  // else capture.interfaces
  std::vector<std::string> outputs;     // as `run` would get them
  std::string key;                      // else signing.key
  bool reload = false;                  // for a probe that runs: not what only its start would take
};

[[nodiscard]] std::vector<ConfigFinding> check_deeply(const Config& config,
                                                      const DeepCheckOptions& options);

// A line for each finding, the remedy behind it; exits 2 when one is an error.
[[nodiscard]] int run_deep_check(const Config& config, const DeepCheckOptions& options);

}  // namespace dpi
