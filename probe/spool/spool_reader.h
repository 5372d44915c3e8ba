// Reads a spool's committed batches in order, across segments, also while a writer appends to it
// (in this process or another). Opens files read-only. For one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>

#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/spool/segment_reader.h"
#include "probe/spool/storage.h"

namespace dpi {

class SpoolReader {
 public:
  static constexpr std::uint64_t any_commit = std::numeric_limits<std::uint64_t>::max();

  // At the oldest batch kept. A folder without segments is read as one that nothing was written to
  // yet.
  [[nodiscard]] static Result<SpoolReader> open(const std::filesystem::path& folder);
  [[nodiscard]] static Result<SpoolReader> open(const std::filesystem::path& folder,
                                                Storage& storage);

  // The next batch, or nothing when there is none yet. commit_max: the last COMMIT known to be
  // durable. Beside a live writer pass SpoolWriter::durable_commit(), because a batch can be read
  // before it is safe, and what leaves the host must survive a crash. The batch points into the
  // reader until its next call. Errc::verification names file and offset of damage, and of a
  // segment that is missing.
  [[nodiscard]] Result<std::optional<SpoolBatch>> next(std::uint64_t commit_max = any_commit);

  // The next batch will be the one that holds seq (from its beginning), or the one still to come
  // when seq is the number after the last. Errc::verification when it was deleted or the spool does
  // not reach it.
  [[nodiscard]] Result<void> seek(std::uint64_t seq);

  // The next batch will be the oldest that is kept, or the newest that was committed.
  [[nodiscard]] Result<void> seek_oldest();
  [[nodiscard]] Result<void> seek_newest();

  // Bytes behind the last batch, once next() gave nothing: a batch that is being written, or was
  // torn off.
  [[nodiscard]] Result<std::uint64_t> tail_bytes();
  // The sequence number that the next batch begins with.
  [[nodiscard]] std::uint64_t next_seq() const noexcept;
  // Nothing before the first segment was found.
  [[nodiscard]] std::optional<Uuid> instance() const noexcept;

 private:
  SpoolReader(std::filesystem::path folder, Storage& storage);
  Result<SegmentReader> open_segment(const std::filesystem::path& path) const;
  Result<void> skip_to(const std::filesystem::path& path, std::uint64_t batches);
  Result<std::optional<SpoolBatch>> read_tail();
  Result<bool> advance();

  std::filesystem::path folder_;
  Storage* storage_;
  std::optional<SegmentReader> segment_;
};

}  // namespace dpi
