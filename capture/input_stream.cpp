#include "capture/input_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "probe/base/buffer_size.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

constexpr std::size_t input_bytes = read_buffer_bytes(std::size_t{256} << 10U);
constexpr std::size_t magic_bytes = 4;

std::string reason(int error) {
  return std::generic_category().message(error);
}

}  // namespace

InputStream::InputStream(FileDescriptor file, bool may_block)
    : file_(std::move(file)), may_block_(may_block), input_(input_bytes) {}

Result<InputStream> InputStream::open(const std::filesystem::path& path) {
  // Without O_NONBLOCK opening a FIFO would hang beyond the reach of any timeout until a writer
  // comes.
  FileDescriptor file{
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};  // NOLINT(*-vararg)
  if (!file) {
    return fail(Errc::input, path.string() + ": cannot be opened: " + reason(errno) +
                                 "; check the name and its permissions");
  }
  return adopt(std::move(file), path.string());
}

Result<InputStream> InputStream::adopt(FileDescriptor file, const std::string& name) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    return fail(Errc::input, name + ": cannot be examined: " + reason(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(Errc::input,
                name + ": is a directory, expected a capture file; name the files in it");
  }
  if (::isatty(file.get()) == 1) {
    return fail(Errc::input,
                name + ": is a terminal, expected a capture; redirect or pipe one into it");
  }
  const bool regular = S_ISREG(status.st_mode);
  if (regular) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return InputStream{std::move(file), !regular};
}

bool InputStream::wait_readable() const noexcept {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  constexpr std::int64_t wait_max = 1'000'000;
  const std::int64_t timeout = std::clamp<std::int64_t>(left.count(), 0, wait_max);
  pollfd entry{.fd = file_.get(), .events = POLLIN, .revents = 0};
  // A signal counts as "nothing came", so that the caller sees the reason for it.
  return ::poll(&entry, 1, static_cast<int>(timeout)) > 0;
}

Result<InputResult> InputStream::read_file(std::span<std::uint8_t> out) {
  out = out.first(std::min<std::uint64_t>(out.size(), file_bytes_max_ - file_offset_));
  if (out.empty()) at_end_ = true;
  if (at_end_) return InputResult{};
  for (;;) {
    if (may_block_ && !wait_readable()) return InputResult{InputState::idle, 0};
    const ssize_t got = ::read(file_.get(), out.data(), out.size());
    if (got > 0) {
      file_offset_ += static_cast<std::uint64_t>(got);
      return InputResult{InputState::bytes, static_cast<std::size_t>(got)};
    }
    if (got == 0) {
      at_end_ = true;
      return InputResult{};
    }
    if (errno == EAGAIN) return InputResult{InputState::idle, 0};
    if (errno != EINTR) {
      return fail(Errc::input, "reading failed at byte " + std::to_string(file_offset_) +
                                   " of the file: " + reason(errno) +
                                   "; check the disk, then run again");
    }
  }
}

// Appends to input_; the caller has left room.
Result<InputState> InputStream::refill() {
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
  DPI_CHECK(input_end_ < input_.size());
  const auto got = read_file(std::span{input_}.subspan(input_end_));
  if (!got) return tl::unexpected(got.error());
  input_end_ += got->bytes;
  return got->state;
}

Result<InputState> InputStream::recognise() {
  while (unread().size() < magic_bytes) {
    auto state = refill();
    if (!state || *state == InputState::idle) return state;
    if (*state == InputState::end) break;
  }
  decompressor_ = make_decompressor(unread());
  recognised_ = true;
  return InputState::bytes;
}

Result<InputResult> InputStream::read(std::span<std::uint8_t> out) {
  DPI_CHECK(!out.empty());
  if (!recognised_) {
    const auto state = recognise();
    if (!state) return tl::unexpected(state.error());
    if (*state == InputState::idle) return InputResult{InputState::idle, 0};
  }
  if (decompressor_ != nullptr) return decompress(out);
  const Bytes waiting = unread();
  if (waiting.empty()) return read_file(out);
  const std::size_t bytes = std::min(waiting.size(), out.size());
  std::copy_n(waiting.begin(), bytes, out.begin());
  input_begin_ += bytes;
  return InputResult{InputState::bytes, bytes};
}

Result<InputResult> InputStream::decompress(std::span<std::uint8_t> out) {
  for (;;) {
    const auto step = decompressor_->step(unread(), out);
    if (!step) {
      const std::uint64_t offset = file_offset_ - unread().size();
      return fail(Errc::input, std::string{decompressor_->name()} + " data is damaged near byte " +
                                   std::to_string(offset) + " of the file (" + step.error().what +
                                   "); get an undamaged copy");
    }
    input_begin_ += step->consumed;
    if (step->produced > 0) return InputResult{InputState::bytes, step->produced};
    if (step->consumed > 0) continue;
    if (at_end_) return InputResult{};
    const auto state = refill();
    if (!state) return tl::unexpected(state.error());
    if (*state == InputState::idle) return InputResult{InputState::idle, 0};
  }
}

}  // namespace dpi
