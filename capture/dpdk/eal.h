// DPDK's environment layer, started once and kept from doing to the process what it likes to do:
// pin the thread, print its usage to standard output, fail without saying why.
#pragma once

#include <string>
#include <vector>

#include "capture/dpdk/plugin_abi.h"

namespace dpi {

// Runs something and gives what it and its libraries wrote to standard output and error.
class OutputCapture {
 public:
  OutputCapture();
  OutputCapture(const OutputCapture&) = delete;
  OutputCapture& operator=(const OutputCapture&) = delete;
  ~OutputCapture();
  // Ends the capture; at most 16 KiB.
  std::string finish();

 private:
  int file_ = -1;
  int saved_[2] = {-1, -1};
};

// The lines of DPDK's output that say something: no banner, no usage text; the last few.
std::vector<std::string> telling_lines(const std::string& output);

// Empty when it started, else why not and what to do.
std::string start_eal(const dpi_dpdk_options& options, std::vector<std::string>& notes);

}  // namespace dpi
