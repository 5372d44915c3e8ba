#include "probe/app/capture_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "capture/file_source.h"

namespace dpi {

Result<CaptureReader> CaptureReader::open(const CaptureInput& input, std::size_t batch_packets) {
  const auto descriptor = input.rewind();
  if (!descriptor) return tl::unexpected(descriptor.error());
  FileDescriptor file{::fcntl(*descriptor, F_DUPFD_CLOEXEC, 0)};  // NOLINT(*-vararg)
  auto source = open_file_source(*descriptor, input.name, input.bytes);
  if (!source) return tl::unexpected(source.error());
  return CaptureReader{input, std::move(file), std::move(*source), batch_packets};
}

std::uint64_t CaptureReader::file_position() const noexcept {
  const off_t at = ::lseek(file_.get(), 0, SEEK_CUR);
  return at > 0 ? static_cast<std::uint64_t>(at) : 0;
}

void CaptureReader::read_ahead() {
  while (!ended_) {
    const auto state = source_->poll(ahead_, batch_packets_, std::chrono::seconds{1});
    if (!state) error_ = state.error();
    ended_ = !state || *state == SourceState::end;
    if (ended_ || *state == SourceState::packets) return;
  }
}

Result<bool> CaptureReader::next_batch() {
  if (!std::exchange(began_, true)) read_ahead();
  current_ = std::exchange(ahead_, Batch{});
  at_ = 0;
  read_ahead();
  if (current_.empty()) {
    if (!error_.what.empty()) return tl::unexpected(error_);
    return false;
  }
  links_.count(current_.packets());
  settler_.settle(current_.packets(), ahead_.packets(), times_);
  return true;
}

}  // namespace dpi
