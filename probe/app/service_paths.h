// Which files a running probe still needs, for its sandbox.
#pragma once

#include <filesystem>

#include "probe/app/config.h"
#include "probe/app/run.h"
#include "probe/service/sandbox.h"

namespace dpi {

// Where packets that workers died of are kept.
[[nodiscard]] Result<std::filesystem::path> quarantine_folder(const Config& config);

// Makes the spool's folder and an output's file when they are missing, since a rule can only be
// made for what is there. Errc::sink names what cannot be made.
[[nodiscard]] Result<SandboxSettings> sandbox_settings(const Config& config,
                                                       const RunOptions& options,
                                                       const std::filesystem::path& key);

}  // namespace dpi
