#include "probe/export/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dpi {
namespace {

constexpr std::size_t full_bytes = 256U << 10U;

}  // namespace

Result<AppendFile> AppendFile::open(const std::string& path, std::string_view header,
                                    std::string_view option) {
  if (path == "-") {
    AppendFile out(STDOUT_FILENO, "standard output", false);
    out.lines_ = header;
    return out;
  }
  // Read as well: how a file that is there begins and ends.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,  // NOLINT(*-vararg)
                        0640);
  if (fd < 0) {
    return fail(Errc::sink, fmt::format("{}: cannot be opened: {}; choose another --out {}", path,
                                        std::strerror(errno), option));
  }
  AppendFile out(fd, path, true);
  if (auto begun = out.begin(header, option); !begun) return tl::unexpected(begun.error());
  return out;
}

Result<void> AppendFile::begin(std::string_view header, std::string_view option) {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return failed();
  if (!S_ISREG(status.st_mode) || status.st_size == 0) {
    lines_ = header;
    return {};
  }
  std::string first(header.size(), '\0');
  const ssize_t had = ::pread(fd_, first.data(), first.size(), 0);
  if (had < 0) return failed();
  if (static_cast<std::size_t>(had) != header.size() || first != header) {
    return fail(Errc::sink,
                fmt::format("{}: has other columns than this version writes; move it away or "
                            "choose another --out {}",
                            name_, option));
  }
  char last = '\n';
  if (::pread(fd_, &last, 1, status.st_size - 1) < 0) return failed();
  if (last != '\n') lines_.push_back('\n');  // who wrote there before was stopped inside a line
  return {};
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      owned_(other.owned_),
      lines_(std::move(other.lines_)) {}

AppendFile::~AppendFile() {
  if (owned_ && fd_ >= 0) ::close(fd_);
}

Result<void> AppendFile::flush() {
  std::string_view rest = lines_;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed();
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  lines_.clear();
  return {};
}

Result<void> AppendFile::flush_full() {
  return lines_.size() < full_bytes ? Result<void>{} : flush();
}

Result<void> AppendFile::close() {
  if (auto flushed = flush(); !flushed) return flushed;
  if (!owned_) return {};
  return ::close(std::exchange(fd_, -1)) == 0 ? Result<void>{} : failed();
}

tl::unexpected<Error> AppendFile::failed() const {
  return fail(Errc::sink, fmt::format("{}: cannot write: {}; make room or choose another --out",
                                      name_, std::strerror(errno)));
}

}  // namespace dpi
