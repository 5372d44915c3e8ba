// Gives away every right that a running probe does not need: capabilities, new privileges, core
// dumps, files (Landlock), system calls (seccomp). For good, for this thread and every one it
// starts; system calls for every thread there is. Call it once, when all sources are open.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "probe/base/result.h"

namespace dpi {

struct SandboxSettings {
  std::vector<std::filesystem::path> readable;  // besides what the libraries need
  std::vector<std::filesystem::path> writable;  // files, and folders with all below
  std::vector<std::filesystem::path> hidden;    // never readable: keys
};

struct SandboxReport {
  // Layers that this kernel does not have, a sentence each; empty: all are in place.
  std::vector<std::string> missing;
  int landlock_abi = 0;  // 0: none
};

// What is missing on this kernel is in the report. Errc::failure: a layer that exists refused.
[[nodiscard]] Result<SandboxReport> enter_sandbox(const SandboxSettings& settings);

}  // namespace dpi
