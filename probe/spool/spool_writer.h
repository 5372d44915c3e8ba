// Appends batches to a spool: the one place where an event becomes durable. Owns the folder (a lock
// keeps others out). One thread appends and commits; durable_commit() may be read from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/spool/segment_reader.h"
#include "probe/spool/spool_folder.h"
#include "probe/spool/spool_format.h"
#include "probe/spool/storage.h"

namespace dpi {

struct SpoolOptions {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20U;  // a segment that reached it is closed
  std::uint64_t cap_bytes = std::uint64_t{20}
                            << 30U;  // of all segments; commits beyond are refused
  bool sync = true;  // false: a commit survives the process, not the machine (throw-away replay)
};

class SpoolWriter {
 public:
  // Creates the folder or recovers what is in it: a torn tail of the last segment is cut off and
  // synced. Damage in it (bad bytes with a later batch behind them) sets it aside, and the chain
  // goes on behind its last intact COMMIT; Errc::verification when there is none. Errc::sink: I/O,
  // another writer, another instance's spool.
  [[nodiscard]] static Result<std::unique_ptr<SpoolWriter>> open(
      const std::filesystem::path& folder, const Uuid& instance, const SpoolOptions& options = {});
  [[nodiscard]] static Result<std::unique_ptr<SpoolWriter>> open(
      const std::filesystem::path& folder, const Uuid& instance, const SpoolOptions& options,
      Storage& storage);

  // Adds to the batch in memory. seq must be next_seq(). Each at most record_blob_bytes_max.
  void append(std::uint64_t seq, Bytes envelope, Bytes payload);

  // Writes the batch (perhaps empty) with the caller's state and makes it durable; after success,
  // and only then, it may leave the host. On an I/O error, Errc::sink, the batch may or may not be
  // there, and the writer refuses everything from then on: destroy it, open again, append again
  // what is not below next_seq() then. A commit over cap_bytes is refused before anything is
  // written: make room (retain) and commit again.
  [[nodiscard]] Result<void> commit(Bytes state);

  // Of the next append.
  [[nodiscard]] std::uint64_t next_seq() const noexcept { return next_seq_; }
  // Number and state of the last durable COMMIT; 0 and empty before the first.
  [[nodiscard]] std::uint64_t durable_commit() const noexcept {
    return commits_.load(std::memory_order_acquire);
  }
  [[nodiscard]] Bytes last_state() const noexcept { return state_; }
  // Bytes of a torn batch that open() cut off.
  [[nodiscard]] std::uint64_t recovered_bytes_cut() const noexcept { return bytes_cut_; }
  // All segments, without the batch in memory.
  [[nodiscard]] std::uint64_t used_bytes() const noexcept { return used_bytes_; }

  // Sets a segment aside in which a reader found damage, by the number in its name; a new one is
  // begun if it is the last. Between batches.
  [[nodiscard]] Result<void> set_aside(std::uint64_t segment_seq);

  // The events between are nowhere: a new segment begins with seq. Between batches, for salvage.
  void leap(std::uint64_t seq);

  // Deletes the oldest segments whose records all lie below acked_seq, as long as at least
  // keep_acked_bytes of acknowledged segments stay (for shipping again after a database restore).
  // Never the last; those set aside go to quarantine/ instead. Gives their bytes.
  [[nodiscard]] Result<std::uint64_t> retain(std::uint64_t acked_seq,
                                             std::uint64_t keep_acked_bytes);

 private:
  SpoolWriter(std::filesystem::path folder, const Uuid& instance, const SpoolOptions& options,
              Storage& storage, std::unique_ptr<StorageLock> lock);
  Result<void> recover();
  Result<void> recover_last(const SegmentFile& last);
  Result<SegmentReader> open_last(const std::filesystem::path& path);
  void begin_batch();
  Result<void> create_segment();
  Result<void> write_batch(Bytes bytes);
  tl::unexpected<Error> give_up(tl::unexpected<Error> error);

  std::filesystem::path folder_;
  Uuid instance_;
  SpoolOptions options_;
  Storage* storage_;
  std::unique_ptr<StorageLock> lock_;

  // What is durable.
  std::unique_ptr<StorageFile> file_;  // of the last segment; null before the first
  SegmentHeader header_;        // of the last segment, or of the one that this batch will begin
  std::uint64_t end_ = 0;       // offset behind the last COMMIT
  std::uint32_t last_crc_ = 0;  // of the last COMMIT, or of the header before the first
  std::atomic<std::uint64_t> commits_ = 0;
  ByteBuffer state_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t bytes_cut_ = 0;

  // The batch in memory.
  ByteBuffer batch_;
  bool batch_begun_ = false;
  ByteBuffer new_header_;  // not empty: the batch begins a new segment with these bytes
  std::uint32_t previous_crc_ = 0;
  std::uint64_t next_seq_ = 0;

  std::optional<Error> failed_;
};

}  // namespace dpi
