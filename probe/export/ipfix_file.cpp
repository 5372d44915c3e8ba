#include "probe/export/ipfix_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "probe/base/file_descriptor.h"
#include "probe/export/ipfix.h"

namespace dpi {
namespace {

constexpr std::string_view option = "ipfix:PATH";
constexpr std::size_t header_bytes = 16;  // RFC 7011, 3.1
constexpr unsigned version = 10;

tl::unexpected<Error> unusable(const std::string& path, std::string_view why) {
  return fail(Errc::sink,
              fmt::format("{}: {}; move it away or choose another --out {}", path, why, option));
}

Result<void> cut_half_a_message(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));  // NOLINT(*-vararg)
  struct stat status {};
  // What is not there, or cannot be opened, is for who opens it to write.
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  off_t whole = 0;
  while (status.st_size - whole >= static_cast<off_t>(header_bytes)) {
    std::array<std::uint8_t, 4> head{};  // version, length
    if (::pread(file.get(), head.data(), head.size(), whole) != static_cast<ssize_t>(head.size()))
      return unusable(path, std::strerror(errno));
    const unsigned length = head[2] * 256U + head[3];
    if (head[0] * 256U + head[1] != version || length < header_bytes)
      return unusable(path, "is no file of IPFIX messages");
    if (status.st_size - whole < static_cast<off_t>(length)) break;
    whole += static_cast<off_t>(length);
  }
  if (whole == status.st_size) return {};
  return ::ftruncate(file.get(), whole) == 0 ? Result<void>{}
                                             : unusable(path, std::strerror(errno));
}

class IpfixFile final : public FileSink {
 public:
  IpfixFile(AppendFile file, std::unique_ptr<IpfixFormat> format, std::uint32_t enterprise_number)
      : file_(std::move(file)), format_(std::move(format)), enterprise_number_(enterprise_number) {}

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    if (auto put = format_->append(file_.lines(), seq, envelope, payload); !put) return put;
    return file_.flush_full();
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    return flush();
  }
  Result<void> finish() override {
    if (auto ended = end_message(); !ended) return ended;
    return file_.close();
  }
  // What is made again begins with templates: it is never what is there, so that is cut off. The
  // place is behind a whole message.
  Result<void> resume(const OutputPosition& from, AppendFile::Rest /*rest*/) override {
    return FileSink::resume(from, AppendFile::Rest::doubtful);
  }
  Result<void> flush() override {
    if (auto ended = end_message(); !ended) return ended;
    return FileSink::flush();
  }
  Result<OutputPosition> sync(std::uint64_t put_seq) override {
    if (auto ended = end_message(); !ended) return tl::unexpected(ended.error());
    return FileSink::sync(put_seq);
  }
  // The new file has templates of its own.
  Result<void> reopen() override {
    if (auto ended = end_message(); !ended) return ended;
    if (auto reopened = FileSink::reopen(); !reopened) return reopened;
    auto format = IpfixFormat::make(enterprise_number_);
    if (!format) return tl::unexpected(format.error());
    format_ = std::move(*format);
    return {};
  }

 private:
  std::span<AppendFile> files() noexcept override { return {&file_, 1}; }
  Result<void> end_message() { return format_->flush(file_.lines()); }

  AppendFile file_;
  std::unique_ptr<IpfixFormat> format_;
  std::uint32_t enterprise_number_;
};

}  // namespace

Result<std::unique_ptr<FileSink>> open_ipfix_sink(const std::string& path,
                                                  std::uint32_t enterprise_number) {
  auto format = IpfixFormat::make(enterprise_number);
  if (!format) return tl::unexpected(format.error());
  if (auto whole = cut_half_a_message(path); !whole) return tl::unexpected(whole.error());
  auto file =
      AppendFile::open(path, {}, option, AppendFile::Begin::behind, AppendFile::Content::other);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<IpfixFile>(std::move(*file), std::move(*format), enterprise_number);
}

}  // namespace dpi
