#include "capture/file_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "capture/input_stream.h"
#include "capture/record_buffer.h"
#include "capture/record_reader.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

class FileSource final : public PacketSource {
 public:
  FileSource(std::string name, InputStream stream)
      : name_(std::move(name)), buffer_(std::move(stream)) {}

  Result<SourceState> poll(Batch& batch, std::size_t packets_max,
                           std::chrono::milliseconds timeout) override;
  CaptureStats stats() const noexcept override;
  std::span<const std::string> warnings() const noexcept override { return warnings_; }
  std::string_view name() const noexcept override { return name_; }

 private:
  Result<RecordState> next(RawPacket& packet);
  Result<RecordState> recognise();
  void deliver(RawPacket packet, Batch& batch);
  void finish(RecordState how);
  [[nodiscard]] std::string place() const;

  std::string name_;
  RecordBuffer buffer_;
  std::unique_ptr<RecordReader> reader_;
  CaptureStats stats_;
  std::vector<std::string> warnings_;
  std::optional<Error> error_;
  bool ended_ = false;
  const void* held_ = nullptr;  // memory that the batch being filled already holds
};

// Where reading stands, for errors and warnings.
std::string FileSource::place() const {
  return "packet " + std::to_string(stats_.packets + 1) + " at byte " +
         std::to_string(buffer_.offset()) +
         (buffer_.stream().compressed() ? " of the decompressed data" : "");
}

Result<RecordState> FileSource::recognise() {
  constexpr std::size_t beginning_bytes = 4;
  auto state = buffer_.fill(beginning_bytes);
  if (!state || *state == RecordState::idle) return state;
  if (*state == RecordState::end) {
    return fail(
        Errc::input,
        "the file is empty, expected a pcap, pcapng or snoop capture; check how it was written");
  }
  if (*state == RecordState::cut) {
    return fail(Errc::input, "the file has " + std::to_string(buffer_.available().size()) +
                                 " bytes, expected a capture file header; get a complete copy");
  }
  auto reader = make_record_reader(buffer_.available(), buffer_);
  if (!reader) return tl::unexpected(reader.error());
  reader_ = std::move(*reader);
  return RecordState::ready;
}

Result<RecordState> FileSource::next(RawPacket& packet) {
  if (reader_ == nullptr) {
    auto state = recognise();
    if (!state || *state != RecordState::ready) return state;
  }
  return reader_->next(packet);
}

void FileSource::deliver(RawPacket packet, Batch& batch) {
  const std::size_t captured = packet.data.size();
  if (packet.wire_bytes < captured) {
    packet.wire_bytes = static_cast<std::uint32_t>(captured);
    ++stats_.clamped_packets;
  }
  ++stats_.packets;
  stats_.captured_bytes += captured;
  stats_.wire_bytes += packet.wire_bytes;
  if (captured < packet.wire_bytes) ++stats_.snapped_packets;
  if (captured == 0) ++stats_.zero_packets;
  if (packet.time_missing) ++stats_.time_missing_packets;
  if (held_ != buffer_.memory().get()) {
    batch.hold(buffer_.memory());
    held_ = buffer_.memory().get();
  }
  batch.add(packet);
}

void FileSource::finish(RecordState how) {
  ended_ = true;
  const bool stream_cut = buffer_.stream().cut_short();
  if (how == RecordState::cut || stream_cut) {
    ++stats_.cut_records;
    warnings_.push_back(name_ + ": the file ends in the middle of " + place() +
                        (stream_cut ? ", the compressed data is cut short" : "") + "; all " +
                        std::to_string(stats_.packets) + " packets before it were read");
  }
  if (const std::uint64_t ignored = buffer_.stream().ignored_bytes(); ignored > 0) {
    warnings_.push_back(name_ + ": " + std::to_string(ignored) +
                        " bytes behind the end of the compressed data were ignored");
  }
}

Result<SourceState> FileSource::poll(Batch& batch, std::size_t packets_max,
                                     std::chrono::milliseconds timeout) {
  DPI_CHECK(packets_max > 0);
  batch.clear();
  held_ = nullptr;
  constexpr std::chrono::milliseconds timeout_max = std::chrono::hours{24};
  buffer_.set_deadline(std::chrono::steady_clock::now() + std::min(timeout, timeout_max));
  while (!ended_ && !error_ && batch.size() < packets_max) {
    RawPacket packet;
    const auto state = next(packet);
    if (!state) {
      error_ = Error{state.error().code, name_ + ": " + place() + ": " + state.error().what};
    } else if (*state == RecordState::ready) {
      deliver(packet, batch);
      buffer_.set_deadline(SteadyTime{});
    } else if (*state == RecordState::idle) {
      return batch.empty() ? SourceState::idle : SourceState::packets;
    } else {
      finish(*state);
    }
  }
  if (!batch.empty()) return SourceState::packets;
  if (error_) return tl::unexpected(*error_);
  return SourceState::end;
}

CaptureStats FileSource::stats() const noexcept {
  CaptureStats stats = stats_;
  const RecordedDrops drops = reader_ == nullptr ? RecordedDrops{} : reader_->drops();
  stats.dropped_kernel = drops.kernel;
  stats.dropped_nic = drops.nic;
  return stats;
}

}  // namespace

Result<std::unique_ptr<PacketSource>> open_file_source(const std::filesystem::path& path) {
  if (path == "-") {
    const int fd = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);  // NOLINT(*-vararg)
    if (fd < 0) {
      return fail(Errc::input, "standard input: " + std::generic_category().message(errno) +
                                   "; redirect or pipe a capture into it");
    }
    return open_file_source(fd, "standard input");
  }
  auto stream = InputStream::open(path);
  if (!stream) return tl::unexpected(stream.error());
  return std::make_unique<FileSource>(path.string(), std::move(*stream));
}

Result<std::unique_ptr<PacketSource>> open_file_source(int fd, std::string display_name,
                                                       std::uint64_t file_bytes) {
  auto stream = InputStream::adopt(FileDescriptor{fd}, display_name);
  if (!stream) return tl::unexpected(stream.error());
  stream->set_end(file_bytes);
  return std::make_unique<FileSource>(std::move(display_name), std::move(*stream));
}

}  // namespace dpi
