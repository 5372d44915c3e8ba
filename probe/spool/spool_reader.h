// Reads a spool's committed batches in order, across segments, also while a writer appends to it
// (in this process or another). Damage stops nobody: what is sound before and behind it comes out,
// and what was found is told. Opens files read-only. For one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/spool/segment_reader.h"
#include "probe/spool/spool_folder.h"
#include "probe/spool/storage.h"

namespace dpi {

// Where bytes are not what they were, or a segment is missing.
struct SpoolDamage {
  std::filesystem::path segment;
  std::uint64_t segment_seq = 0;  // its name
  std::uint64_t offset = 0;
  bool in_bytes = false;  // of the segment; false: it is whole, what should follow it is not there
  std::string what;       // names file and offset
};

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
  // reader until its next call. Behind damage it begins later than the one before ended; everything
  // sound between came out.
  [[nodiscard]] Result<std::optional<SpoolBatch>> next(std::uint64_t commit_max = any_commit);

  // The next batch will be the one that holds seq (from its beginning), or the first one behind it
  // that is left, or the one still to come.
  [[nodiscard]] Result<void> seek(std::uint64_t seq);
  // The next batch will be the oldest that is kept, or the newest that was committed.
  [[nodiscard]] Result<void> seek_oldest() { return seek(0); }
  [[nodiscard]] Result<void> seek_newest();

  // Bytes behind the last batch, once next() gave nothing: a batch that is being written, or was
  // torn off.
  [[nodiscard]] Result<std::uint64_t> tail_bytes();
  // The sequence number that the next batch begins with, but for damage.
  [[nodiscard]] std::uint64_t next_seq() const noexcept;
  // Nothing before the first segment was found.
  [[nodiscard]] std::optional<Uuid> instance() const noexcept;
  // What was met so far, each once, in the order in which it was met.
  [[nodiscard]] const std::vector<SpoolDamage>& damage() const noexcept { return damage_; }

 private:
  SpoolReader(std::filesystem::path folder, Storage& storage);
  Result<bool> advance();
  Result<std::optional<SegmentReader>> open_segment(const SegmentFile& file);
  Result<void> enter(const SegmentFile& file);
  Result<std::optional<SpoolBatch>> next_here(std::uint64_t commit_max);
  void note(SpoolDamage damage);
  void note_here(const std::string& found);

  std::filesystem::path folder_;
  Storage* storage_;
  std::optional<SegmentReader> segment_;  // null: none yet, or nothing in it is sound
  std::optional<SegmentFile> file_;       // that we are at
  std::optional<Uuid> instance_;
  std::vector<SpoolDamage> damage_;
};

}  // namespace dpi
