// Walks the committed batches of one segment file. Knows what it expects next, so it accepts no
// record that is out of place; what it finds instead is the tail, and what that means the caller
// decides: the end so far, or damage, behind which next_sound() goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "probe/base/bytes.h"
#include "probe/base/result.h"
#include "probe/spool/spool_format.h"
#include "probe/spool/storage.h"

namespace dpi {

struct SpoolRecord {
  std::uint64_t seq = 0;
  Bytes envelope;
  Bytes payload;
};

// Bytes point into the reader and are valid until its next call.
struct SpoolBatch {
  std::uint64_t commit = 0;  // its number since the spool began, from 1
  std::uint64_t first_seq = 0;
  std::uint64_t next_seq = 0;  // == first_seq when it only changes the state
  std::vector<SpoolRecord> records;
  Bytes state;
  bool whole = true;  // false: damage took its end, and the state with it
};

class SegmentReader {
 public:
  // To go back to: where a record is expected, and what it must follow.
  struct Place {
    std::uint64_t offset = 0;
    std::uint64_t next_seq = 0;
    std::uint64_t commits = 0;
    std::uint32_t last_crc = 0;
  };

  // Errc::verification when the file has no valid header.
  [[nodiscard]] static Result<SegmentReader> open(std::unique_ptr<StorageFile> file,
                                                  std::filesystem::path path);
  // The same without a valid header: its first intact record tells what the others say. Nothing
  // when there is none, or when its name does not tell where it begins.
  [[nodiscard]] static Result<std::optional<SegmentReader>> open_damaged(
      std::unique_ptr<StorageFile> file, std::filesystem::path path);

  // The next committed batch; nothing at the tail. Reads the tail anew in every call.
  [[nodiscard]] Result<std::optional<SpoolBatch>> next();
  // The same where the tail is known to be damage: the intact records in front of it, else the
  // first ones behind it; nothing when none is left. commit_max: batches above are not meant.
  [[nodiscard]] Result<std::optional<SpoolBatch>> next_sound(std::uint64_t commit_max);
  // Bytes from end_offset() to the end of the file.
  [[nodiscard]] Result<std::uint64_t> tail_bytes();
  // Whether an intact COMMIT later than that of the next batch lies in the tail. A batch is written
  // only after the one before is durable, so then the tail was not torn by a crash: it decayed or
  // was changed.
  [[nodiscard]] Result<bool> tail_is_damage();
  // The place of the last intact COMMIT in the tail. Where the tail is damage, the chain goes on
  // behind it: what lies in front of it counts, closed or not, and nothing else does.
  [[nodiscard]] Result<std::optional<Place>> last_commit();

  [[nodiscard]] const SegmentHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  // Where the next record is expected, and what it must follow.
  [[nodiscard]] std::uint64_t end_offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t next_seq() const noexcept { return next_seq_; }
  [[nodiscard]] std::uint64_t commits() const noexcept { return commits_; }
  [[nodiscard]] std::uint32_t last_crc() const noexcept { return last_crc_; }
  [[nodiscard]] Place place() const noexcept { return {offset_, next_seq_, commits_, last_crc_}; }
  void go_to(const Place& place);
  [[nodiscard]] std::unique_ptr<StorageFile> take_file() && noexcept { return std::move(file_); }

 private:
  SegmentReader(std::unique_ptr<StorageFile> file, std::filesystem::path path,
                SegmentHeader header);

  // A record's place in window_.
  struct Found {
    RecordHead head;
    std::size_t at = 0;
  };
  Result<bool> have(std::size_t bytes);
  Result<std::optional<Found>> next_record(std::size_t at, std::uint32_t previous_crc,
                                           std::uint64_t seq);
  SpoolBatch make_batch(const std::vector<Found>& records, const Found* commit) const;
  // The records in place from offset_ on; true: the last of them is the COMMIT.
  Result<bool> take_batch(std::vector<Found>& records);
  Result<std::optional<RecordHead>> intact_record(std::uint64_t offset);
  using Stop = std::function<bool(const RecordHead&, std::uint64_t offset)>;
  Result<bool> scan(std::uint64_t from, const Stop& stop);

  std::unique_ptr<StorageFile> file_;
  std::filesystem::path path_;
  SegmentHeader header_;
  std::uint64_t offset_ = 0;
  std::uint64_t next_seq_ = 0;
  std::uint64_t commits_ = 0;
  std::uint32_t last_crc_ = 0;
  std::uint64_t closed_ = 0;  // the last COMMIT behind damage; so far as it was looked for
  ByteBuffer window_;         // bytes of the file from window_offset_ on
  std::uint64_t window_offset_ = 0;
};

}  // namespace dpi
