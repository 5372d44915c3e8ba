#include "probe/store/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace dpi {
namespace {

constexpr std::size_t full_bytes = 256U << 10U;

}  // namespace

Result<AppendFile> AppendFile::open(const std::string& path, std::string_view header,
                                    std::string_view option, Begin begin, Content content) {
  AppendFile out(path == "-" ? STDOUT_FILENO : -1, path, header, option, content);
  if (!out.owned()) {
    out.lines_ = header;
  } else if (auto opened = out.open_path(begin); !opened) {
    return tl::unexpected(opened.error());
  }
  return out;
}

Result<void> AppendFile::open_path(Begin begin) {
  // Read as well: how a file that is there begins and ends. A pipe has no beginning, and its
  // reader going away must be noticed.
  struct stat status {};
  const bool other = ::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  const int flags = (other ? O_WRONLY : O_RDWR) | (begin == Begin::anew ? O_TRUNC : 0);
  fd_ = ::open(path_.c_str(), flags | O_CREAT | O_APPEND | O_CLOEXEC, 0640);  // NOLINT(*-vararg)
  if (fd_ < 0) {
    return fail(Errc::sink, fmt::format("{}: cannot be opened: {}; choose another --out {}", path_,
                                        std::strerror(errno), option_));
  }
  return this->begin();
}

Result<void> AppendFile::begin() {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return failed();
  if (!S_ISREG(status.st_mode) || status.st_size == 0) {
    lines_ = header_;
    return {};
  }
  std::string first(header_.size(), '\0');
  const ssize_t had = ::pread(fd_, first.data(), first.size(), 0);
  if (had < 0) return failed();
  if (static_cast<std::size_t>(had) != header_.size() || first != header_) {
    return fail(Errc::sink,
                fmt::format("{}: has other columns than this version writes; move it away or "
                            "choose another --out {}",
                            path_, option_));
  }
  char last = '\n';
  if (content_ == Content::other) return {};
  if (::pread(fd_, &last, 1, status.st_size - 1) < 0) return failed();
  if (last != '\n') lines_.push_back('\n');  // who wrote there before was stopped inside a line
  return {};
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      header_(std::move(other.header_)),
      option_(std::move(other.option_)),
      content_(other.content_),
      lines_(std::move(other.lines_)),
      there_from_(other.there_from_),
      there_to_(other.there_to_) {
  other.path_ = "-";  // owns nothing
}

AppendFile::~AppendFile() {
  if (owned() && fd_ >= 0) ::close(fd_);
}

// Gives from where on the lines are still to be written.
Result<std::size_t> AppendFile::pass_over_what_is_there() {
  std::size_t passed = 0;
  std::string there;
  while (there_from_ < there_to_ && passed < lines_.size()) {
    there.resize(std::min<std::size_t>({std::size_t{64} << 10U, lines_.size() - passed,
                                        static_cast<std::size_t>(there_to_ - there_from_)}));
    const ssize_t had = ::pread(fd_, there.data(), there.size(), static_cast<off_t>(there_from_));
    if (had < 0) return tl::unexpected(failed().value());
    there.resize(static_cast<std::size_t>(had));
    if (there.empty() || lines_.compare(passed, there.size(), there) != 0) {
      // Somebody else wrote there: the line is written whole, behind what is.
      there_from_ = there_to_;
      char last = '\n';
      if (::pread(fd_, &last, 1, static_cast<off_t>(there_to_ - 1)) < 0)
        return tl::unexpected(failed().value());
      const std::size_t end = passed == 0 ? std::string::npos : lines_.rfind('\n', passed - 1);
      passed = end == std::string::npos ? 0 : end + 1;
      if (last != '\n') lines_.insert(passed, 1, '\n');
      break;
    }
    passed += there.size();
    there_from_ += there.size();
  }
  return passed;
}

Result<void> AppendFile::flush() {
  const auto passed = pass_over_what_is_there();
  if (!passed) return tl::unexpected(passed.error());
  std::string_view rest = std::string_view{lines_}.substr(*passed);
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

Result<AppendFile::Place> AppendFile::sync() {
  if (auto flushed = flush(); !flushed) return tl::unexpected(flushed.error());
  struct stat status {};
  if (!owned()) return Place{};
  if (::fstat(fd_, &status) != 0) return tl::unexpected(failed().value());
  if (!S_ISREG(status.st_mode)) return Place{};
  if (::fdatasync(fd_) != 0) return tl::unexpected(failed().value());
  // What is there and not yet put again is not known to be ours.
  const auto bytes =
      there_from_ < there_to_ ? there_from_ : static_cast<std::uint64_t>(status.st_size);
  return Place{static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
               bytes};
}

Result<void> AppendFile::close() {
  if (auto flushed = flush(); !flushed) return flushed;
  if (!owned()) return {};
  return ::close(std::exchange(fd_, -1)) == 0 ? Result<void>{} : failed();
}

Result<void> AppendFile::resume(const Place& place, Rest rest) {
  struct stat status {};
  if (!owned()) return {};
  if (::fstat(fd_, &status) != 0) return failed();
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || status.st_dev != place.device || status.st_ino != place.inode ||
      bytes < place.bytes) {
    return {};
  }
  if (rest == Rest::doubtful) {
    lines_.clear();
    return ::ftruncate(fd_, static_cast<off_t>(place.bytes)) == 0 ? Result<void>{} : failed();
  }
  there_from_ = place.bytes;
  there_to_ = bytes;
  if (there_from_ < there_to_) lines_.clear();  // half a line is going to be completed
  return {};
}

Result<void> AppendFile::reopen() {
  if (!owned()) return flush();
  if (auto closed = close(); !closed) return closed;
  there_from_ = there_to_ = 0;
  return open_path(Begin::behind);
}

tl::unexpected<Error> AppendFile::failed() const {
  return fail(Errc::sink, fmt::format("{}: cannot write: {}; make room or choose another --out",
                                      owned() ? path_ : "standard output", std::strerror(errno)));
}

}  // namespace dpi
