// The captures of a replay: opened once, digested before the chain begins, then read from their
// start.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/result.h"

namespace dpi {

struct CaptureInput {
  std::string name;  // for people; never part of an event
  // Of what is not a file: its copy, owned by CaptureInputs. Files are opened when they are read,
  // so that there may be more of them than a process may have open.
  int fd = -1;
  dev_t device = 0;  // of a file: it must be the one that was digested
  ino_t inode = 0;
  Digest sha256{};  // of the content: compressed or not, it is the same capture
  std::uint64_t bytes = 0;

  // A descriptor of the caller's own at the start of the content; only one can be read at a time.
  [[nodiscard]] Result<int> rewind() const;
  // Since it was digested. Only what was digested is read.
  [[nodiscard]] bool has_grown() const;
};

class CaptureInputs {
 public:
  CaptureInputs() = default;
  CaptureInputs(const CaptureInputs&) = delete;
  CaptureInputs& operator=(const CaptureInputs&) = delete;
  CaptureInputs(CaptureInputs&& other) noexcept
      : inputs_(std::move(other.inputs_)), problems_(std::move(other.problems_)) {
    other.inputs_.clear();
  }
  CaptureInputs& operator=(CaptureInputs&&) = delete;
  ~CaptureInputs();

  // Files, directories and "-". Standard input and pipes are copied to an unnamed temporary file
  // first: the chain's identity needs their digest before the first event. What cannot be opened is
  // in problems().
  [[nodiscard]] static Result<CaptureInputs> open(const std::vector<std::string>& arguments);

  [[nodiscard]] std::vector<CaptureInput>& inputs() noexcept { return inputs_; }
  [[nodiscard]] const std::vector<CaptureInput>& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const std::vector<Error>& problems() const noexcept { return problems_; }
  [[nodiscard]] std::vector<Digest> digests() const;
  // Errc::usage when the file is one of these captures: what is read must not be what is written.
  [[nodiscard]] Result<void> may_write(const std::filesystem::path& file) const;

  // In order of their first packets; captures without one keep their places behind.
  void order_by_first_packet();

 private:
  std::vector<CaptureInput> inputs_;
  std::vector<Error> problems_;
};

}  // namespace dpi
