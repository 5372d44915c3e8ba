// The bytes of a file, FIFO or standard input in order, decompressed if the content says so. Reads
// with read(2), never maps: a file that shrinks meanwhile must not kill the probe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "capture/decompressor.h"
#include "probe/base/bytes.h"
#include "probe/base/file_descriptor.h"
#include "probe/base/result.h"

namespace dpi {

enum class InputState { bytes, idle, end };

struct InputResult {
  InputState state = InputState::end;
  std::size_t bytes = 0;  // > 0 exactly when the state is bytes
};

class InputStream {
 public:
  // A FIFO without a writer opens at once and is idle until one comes.
  [[nodiscard]] static Result<InputStream> open(const std::filesystem::path& path);
  // Takes the descriptor over; name stands for it in the error.
  [[nodiscard]] static Result<InputStream> adopt(FileDescriptor file, const std::string& name);

  // Until when read() may wait for a pipe; files are always ready. The past: not at all.
  void set_deadline(std::chrono::steady_clock::time_point deadline) noexcept {
    deadline_ = deadline;
  }
  // The file is taken to end there, whatever has been appended to it.
  void set_end(std::uint64_t file_bytes) noexcept { file_bytes_max_ = file_bytes; }
  // The error text names the reason and the offset in the file, not the file.
  [[nodiscard]] Result<InputResult> read(std::span<std::uint8_t> out);

  [[nodiscard]] bool compressed() const noexcept { return decompressor_ != nullptr; }
  // After the end: the compressed stream stopped inside a member or frame.
  [[nodiscard]] bool cut_short() const noexcept {
    return compressed() && at_end_ && !decompressor_->complete();
  }
  // Bytes behind the end of the compressed data that were ignored.
  [[nodiscard]] std::uint64_t ignored_bytes() const noexcept {
    return compressed() ? decompressor_->ignored_bytes() : 0;
  }

 private:
  InputStream(FileDescriptor file, bool may_block);

  Result<InputResult> read_file(std::span<std::uint8_t> out);
  bool wait_readable() const noexcept;
  Result<InputState> refill();
  Result<InputState> recognise();
  Result<InputResult> decompress(std::span<std::uint8_t> out);
  [[nodiscard]] Bytes unread() const noexcept {
    return Bytes{input_}.subspan(input_begin_, input_end_ - input_begin_);
  }

  FileDescriptor file_;
  bool may_block_ = false;  // pipes, sockets and terminals; regular files never do
  bool at_end_ = false;
  bool recognised_ = false;
  std::uint64_t file_offset_ = 0;  // of the next byte to read(2)
  std::uint64_t file_bytes_max_ = UINT64_MAX;
  std::chrono::steady_clock::time_point deadline_{};
  std::unique_ptr<Decompressor> decompressor_;
  ByteBuffer
      input_;  // read but not yet handed out: the magic of plain files, all of compressed ones
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
};

}  // namespace dpi
