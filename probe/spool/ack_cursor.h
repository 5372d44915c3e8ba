// How far the shipper's database has confirmed the spool. Advisory: losing it costs shipping again
// what the database then recognises, so it is written without waiting for the disk. Two slots: a
// torn write leaves the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "probe/base/result.h"
#include "probe/spool/storage.h"

namespace dpi {

class AckCursor {
 public:
  // Without a readable slot it stands at 0.
  [[nodiscard]] static Result<AckCursor> open(const std::filesystem::path& folder);
  [[nodiscard]] static Result<AckCursor> open(const std::filesystem::path& folder,
                                              Storage& storage);

  // All records below it are confirmed.
  [[nodiscard]] std::uint64_t acked_seq() const noexcept { return acked_seq_; }
  [[nodiscard]] Result<void> store(std::uint64_t acked_seq);

 private:
  AckCursor(std::unique_ptr<StorageFile> file, std::filesystem::path path);
  Result<void> load();

  std::unique_ptr<StorageFile> file_;
  std::filesystem::path path_;
  std::uint64_t generation_ = 0;
  std::uint64_t acked_seq_ = 0;
};

}  // namespace dpi
