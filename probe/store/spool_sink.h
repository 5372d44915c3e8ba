// Events into a durable spool: a checkpoint is a commit. After commit, and only then, a batch may
// leave the host.
#pragma once

#include <filesystem>
#include <memory>

#include "probe/spool/spool_writer.h"
#include "probe/store/event_sink.h"

namespace dpi {

class SpoolSink final : public EventSink {
 public:
  explicit SpoolSink(std::unique_ptr<SpoolWriter> writer) : writer_(std::move(writer)) {}

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override;
  Result<void> checkpoint(std::string_view note, const ChainHead& head) override;
  Result<void> finish() override { return {}; }

  [[nodiscard]] const SpoolWriter& writer() const noexcept { return *writer_; }

 private:
  std::unique_ptr<SpoolWriter> writer_;
};

// A spool for one new chain. Errc::usage when the folder already holds events.
[[nodiscard]] Result<std::unique_ptr<SpoolWriter>> open_new_spool(
    const std::filesystem::path& folder, const Uuid& instance, const SpoolOptions& options);

}  // namespace dpi
