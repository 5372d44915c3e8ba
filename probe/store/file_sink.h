// A sink of lines in files.
#pragma once

#include <span>

#include "probe/store/append_file.h"
#include "probe/store/followed_sink.h"

namespace dpi {

class FileSink : public FollowedSink {
 public:
  Result<void> resume(const OutputPosition& from, AppendFile::Rest rest) override;
  Result<void> flush() override;
  Result<OutputPosition> sync(std::uint64_t put_seq) override;
  Result<void> reopen() override;

 protected:
  // Always the same ones in the same order.
  [[nodiscard]] virtual std::span<AppendFile> files() noexcept = 0;
};

}  // namespace dpi
