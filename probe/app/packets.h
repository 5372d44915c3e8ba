// `ransomeye-dpi packets`: from a row back to its packets.
#pragma once

#include <string>
#include <vector>

#include "probe/app/config.h"

namespace dpi {

struct PacketsOptions {
  std::vector<std::string> captures;
  std::string output;                      // a pcapng file
  std::vector<std::string> community_ids;  // of flows
  std::string events;                      // as read_rows() takes it: flows and exchanges
  std::vector<std::string> choices;        // of them: sequences or event_ids; none: all
  std::string filter;                      // libpcap's language
  std::string from, to;                    // times
};

// The exit code (docs/operations.md): exit_input when nothing was found.
[[nodiscard]] int run_packets(const Config& config, const PacketsOptions& options);

}  // namespace dpi
