#include "probe/store/jsonl_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "probe/envelope/exchange_line.h"

namespace dpi {
namespace {

constexpr std::size_t buffer_bytes = 256U << 10U;

class JsonlSink final : public EventSink {
 public:
  JsonlSink(int fd, std::string name, bool owned) : fd_(fd), name_(std::move(name)), owned_(owned) {
    buffer_.reserve(buffer_bytes + (128U << 10U));
  }
  JsonlSink(const JsonlSink&) = delete;
  JsonlSink& operator=(const JsonlSink&) = delete;
  ~JsonlSink() override {
    if (owned_ && fd_ >= 0) ::close(fd_);
  }

  Result<void> event(std::uint64_t /*seq*/, std::string_view envelope,
                     std::string_view payload) override {
    append_event_line(buffer_, {envelope, payload});
    buffer_ += '\n';
    return buffer_.size() < buffer_bytes ? Result<void>{} : flush();
  }
  Result<void> checkpoint(std::string_view note, const ChainHead& /*head*/) override {
    append_checkpoint_line(buffer_, note);
    buffer_ += '\n';
    return {};
  }
  Result<void> finish() override {
    if (auto flushed = flush(); !flushed) return flushed;
    if (!owned_) return {};
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0 ? Result<void>{} : failed();
  }

 private:
  Result<void> flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ssize_t written = ::write(fd_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed();
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    buffer_.clear();
    return {};
  }
  [[nodiscard]] tl::unexpected<Error> failed() const {
    return fail(Errc::sink,
                fmt::format("{}: cannot write events: {}; make room or choose another --out and "
                            "replay again",
                            name_, std::strerror(errno)));
  }

  int fd_;
  std::string name_;
  bool owned_;
  std::string buffer_;
};

}  // namespace

Result<std::unique_ptr<EventSink>> open_jsonl_sink(const std::string& path) {
  if (path == "-") return std::make_unique<JsonlSink>(STDOUT_FILENO, "standard output", false);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) {
    return fail(Errc::sink,
                fmt::format("{}: cannot be created: {}; choose another --out jsonl:PATH", path,
                            std::strerror(errno)));
  }
  return std::make_unique<JsonlSink>(fd, path, true);
}

}  // namespace dpi
