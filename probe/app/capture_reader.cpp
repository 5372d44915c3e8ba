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

// As many as judge the times of those before, however small the batches are.
void CaptureReader::read_ahead() {
  std::size_t packets = 0;
  for (const Batch& batch : ahead_) packets += batch.size();
  while (!ended_ && packets < TimeSettler::witnesses_max) {
    Batch batch;
    const auto state = source_->poll(batch, batch_packets_, std::chrono::seconds{1});
    if (!state) error_ = state.error();
    ended_ = !state || *state == SourceState::end;
    if (batch.empty()) continue;
    packets += batch.size();
    ahead_.push_back(std::move(batch));
  }
}

Result<bool> CaptureReader::next_batch() {
  if (ahead_.empty()) read_ahead();
  current_ = Batch{};
  at_ = 0;
  if (!ahead_.empty()) {
    current_ = std::move(ahead_.front());
    ahead_.pop_front();
  }
  read_ahead();
  if (current_.empty()) {
    if (!error_.what.empty()) return tl::unexpected(error_);
    return false;
  }
  links_.count(current_.packets());
  behind_.clear();
  for (const Batch& batch : ahead_)
    for (const RawPacket& packet : batch.packets())
      if (behind_.size() < TimeSettler::witnesses_max) behind_.push_back(packet);
  settler_.settle(current_.packets(), behind_, times_);
  return true;
}

}  // namespace dpi
