#include "probe/app/files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace dpi {

Result<void> write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << bytes;
  out.close();  // says what a buffer kept back
  if (out) return {};
  return fail(Errc::sink, fmt::format("{}: cannot be written ({}); choose another folder",
                                      path.string(), std::strerror(errno)));
}

}  // namespace dpi
