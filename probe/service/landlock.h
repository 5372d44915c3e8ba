// Landlock (landlock(7)): which files this thread and its children may still open.
#pragma once

#include <filesystem>
#include <vector>

#include "probe/base/result.h"

namespace dpi {

struct FileRights {
  std::vector<std::filesystem::path> readable;  // files, and folders with all below
  std::vector<std::filesystem::path> writable;  // the same; no device is made, no program is run
  // Left out of `readable`: of the folder that one is in, only what is there now can be read later.
  std::vector<std::filesystem::path> hidden;
};

// Whether `path` is `folder` or somewhere below it; both are absolute and of one form.
[[nodiscard]] bool is_in(const std::filesystem::path& path, const std::filesystem::path& folder);

// Paths that do not exist are left out. Also no TCP port may be bound any more where the kernel can
// say so (ABI 4). Needs no_new_privs. The ABI of this kernel; 0: it has no Landlock and nothing
// happened.
[[nodiscard]] Result<int> restrict_files(const FileRights& rights);

}  // namespace dpi
