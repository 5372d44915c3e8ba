#include "capture/file_list.h"

#include <algorithm>
#include <system_error>

namespace dpi {
namespace {

namespace fs = std::filesystem;

Result<std::vector<fs::path>> files_of(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry{directory, error};
  for (; !error && entry != fs::directory_iterator{}; entry.increment(error)) {
    std::error_code unreadable;  // a dangling link is no regular file and no reason to stop
    if (entry->is_regular_file(unreadable) && !entry->path().filename().native().starts_with('.')) {
      files.push_back(entry->path());
    }
  }
  if (error) {
    return fail(Errc::input, directory.string() + ": cannot be listed: " + error.message() +
                                 "; check its permissions");
  }
  if (files.empty()) {
    return fail(Errc::input,
                directory.string() +
                    ": holds no file (subdirectories are not searched); name the captures");
  }
  // char_traits<char> compares as unsigned bytes, independent of the locale.
  std::ranges::sort(files, [](const fs::path& a, const fs::path& b) {
    return a.filename().native() < b.filename().native();
  });
  return files;
}

}  // namespace

Result<std::vector<fs::path>> list_capture_files(std::span<const std::string> arguments) {
  std::vector<fs::path> files;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument == "-" || !fs::is_directory(argument, error)) {
      files.emplace_back(argument);
      continue;
    }
    auto inside = files_of(argument);
    if (!inside) return tl::unexpected(inside.error());
    files.insert(files.end(), inside->begin(), inside->end());
  }
  return files;
}

}  // namespace dpi
