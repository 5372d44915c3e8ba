// `ransomeye-dpi replay`: captures through the whole pipeline.
#pragma once

#include <string>
#include <vector>

#include "probe/app/config.h"
#include "probe/app/row_rule_sink.h"

namespace dpi {

struct ReplayOptions {
  std::vector<std::string> captures;
  std::vector<std::string> outputs;     // postgres[:CONNINFO], jsonl[:PATH], spool:DIR
  std::string filter;                   // libpcap's language
  std::string key;                      // PKCS#8 PEM; empty: derived
  std::string report;                   // an HTML page about what was found; empty: none
  double speed = 0;                     // times real time; 0: as fast as possible
  std::size_t batch_packets = 256;      // never changes the result
  std::uint64_t workers = 1;            // threads that track and classify; never changes the result
  std::uint64_t loop = 1;               // how often the captures are replayed, each time anew
  bool merge = false;                   // one capture in several files: flows span them
  bool quiet = false;                   // what was said of the capture before
  bool progress = false;                // draw a bar on standard error
  bool summary = false;                 // and say at the end what was found
  bool judge_rows = rows_are_asserted;  // fail at an event of which the database makes no rows
};

// The exit code (docs/operations.md).
[[nodiscard]] int run_replay(const Config& config, const ReplayOptions& options);

}  // namespace dpi
