#include "probe/spool/segment_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "probe/base/buffer_size.h"
#include "probe/base/check.h"
#include "probe/spool/spool_folder.h"

namespace dpi {
namespace {

constexpr std::size_t read_bytes = read_buffer_bytes(std::size_t{32} << 10U);

// Reads until out is full or the file ends; gives how much.
IoResult<std::size_t> read_fully(StorageFile& file, std::uint64_t offset,
                                 std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto got = file.read(offset + done, out.subspan(done));
    if (!got) return got;
    if (*got == 0) break;
    done += *got;
  }
  return done;
}

// Where an intact record says that it lies.
SegmentReader::Place place_of(const RecordHead& head, std::uint64_t offset) {
  return {.offset = offset,
          .next_seq = head.seq,
          .commits = head.place.commit - 1,
          .last_crc = head.place.previous_crc};
}

}  // namespace

SegmentReader::SegmentReader(std::unique_ptr<StorageFile> file, std::filesystem::path path,
                             SegmentHeader header)
    : file_(std::move(file)),
      path_(std::move(path)),
      header_(std::move(header)),
      offset_(header_.bytes),
      next_seq_(header_.first_seq),
      commits_(header_.commits_before),
      last_crc_(header_.crc),
      window_offset_(header_.bytes) {}

Result<SegmentReader> SegmentReader::open(std::unique_ptr<StorageFile> file,
                                          std::filesystem::path path) {
  ByteBuffer bytes(segment_header_bytes_min);
  auto got = read_fully(*file, 0, bytes);
  if (!got) return storage_failure(path, "cannot be read", got.error());
  bytes.resize(*got);
  if (const auto length = segment_header_bytes(bytes)) {
    bytes.resize(*length);
    got = read_fully(*file, 0, bytes);
    if (!got) return storage_failure(path, "cannot be read", got.error());
    bytes.resize(*got);
  }
  auto header = parse_segment_header(bytes);
  const auto named = parse_segment_name(path.filename().string());
  if (!header || (named && *named != header->first_seq)) {
    return fail(Errc::verification,
                path.string() +
                    ": byte 0: no valid segment header, expected one for this name; the "
                    "file is damaged or not ours, set the spool aside and keep it");
  }
  return SegmentReader{std::move(file), std::move(path), std::move(*header)};
}

// Whether that many bytes from offset_ on are in window_; false: the file ends before.
Result<bool> SegmentReader::have(std::size_t bytes) {
  DPI_CHECK(offset_ >= window_offset_);
  const auto skipped = static_cast<std::size_t>(offset_ - window_offset_);
  if (skipped + bytes <= window_.size()) return true;
  window_.erase(window_.begin(),
                window_.begin() + static_cast<std::ptrdiff_t>(std::min(skipped, window_.size())));
  window_offset_ = offset_;
  const std::size_t kept = window_.size();
  window_.resize(std::max(bytes, kept + read_bytes));
  const auto got = read_fully(*file_, window_offset_ + kept, std::span{window_}.subspan(kept));
  window_.resize(kept + (got ? *got : 0));
  if (!got) return storage_failure(path_, "cannot be read", got.error());
  return window_.size() >= bytes;
}

// The record that starts `at` bytes behind offset_; nothing unless it is intact and in its place.
Result<std::optional<SegmentReader::Found>> SegmentReader::next_record(std::size_t at,
                                                                       std::uint32_t previous_crc,
                                                                       std::uint64_t seq) {
  auto there = have(at + record_head_bytes);
  if (!there) return tl::unexpected(there.error());
  if (!*there) return std::nullopt;
  const auto here = [this, at] {
    return Bytes{window_}.subspan(static_cast<std::size_t>(offset_ - window_offset_) + at);
  };
  const auto head = parse_record_head(here());
  if (!head || head->place.segment_crc != header_.crc || head->place.previous_crc != previous_crc ||
      head->place.commit != commits_ + 1 || head->seq != seq ||
      at + head->record_bytes() > batch_bytes_max) {
    return std::nullopt;
  }
  there = have(at + head->record_bytes());
  if (!there) return tl::unexpected(there.error());
  if (!*there || !record_intact(*head, here().first(head->record_bytes()))) return std::nullopt;
  return Found{.head = *head, .at = at};
}

SpoolBatch SegmentReader::make_batch(const std::vector<Found>& records, const Found* commit) const {
  const Bytes bytes = Bytes{window_}.subspan(static_cast<std::size_t>(offset_ - window_offset_));
  SpoolBatch batch{.commit = commits_ + 1,
                   .first_seq = next_seq_,
                   .next_seq = next_seq_ + records.size(),
                   .records = {},
                   .state = {},
                   .whole = commit != nullptr};
  batch.records.reserve(records.size());
  for (const Found& record : records) {
    const Bytes blobs = bytes.subspan(record.at + record_head_bytes);
    batch.records.push_back(
        SpoolRecord{.seq = record.head.seq,
                    .envelope = blobs.first(record.head.first_bytes),
                    .payload = blobs.subspan(record.head.first_bytes, record.head.second_bytes)});
  }
  if (commit != nullptr)
    batch.state = bytes.subspan(commit->at + record_head_bytes, commit->head.first_bytes);
  return batch;
}

Result<bool> SegmentReader::take_batch(std::vector<Found>& records) {
  std::size_t at = 0;
  std::uint32_t previous_crc = last_crc_;
  for (;;) {
    const auto found = next_record(at, previous_crc, next_seq_ + records.size());
    if (!found) return tl::unexpected(found.error());
    if (!*found) return false;
    records.push_back(**found);
    if ((*found)->head.type == RecordType::commit) return true;
    at += (*found)->head.record_bytes();
    previous_crc = (*found)->head.crc;
  }
}

Result<std::optional<SpoolBatch>> SegmentReader::next() {
  std::vector<Found> records;
  const auto whole = take_batch(records);
  if (!whole) return tl::unexpected(whole.error());
  if (!*whole) {
    window_.clear();  // a writer may be at work on these very bytes
    window_offset_ = offset_;
    return std::nullopt;
  }
  const Found commit = records.back();
  records.pop_back();
  SpoolBatch batch = make_batch(records, &commit);
  offset_ += commit.at + commit.head.record_bytes();
  next_seq_ = commit.head.seq;
  commits_ += 1;
  last_crc_ = commit.head.crc;
  return batch;
}

Result<std::optional<SpoolBatch>> SegmentReader::next_sound(std::uint64_t commit_max) {
  if (commits_ >= commit_max) return std::nullopt;
  std::vector<Found> records;
  const auto whole = take_batch(records);
  if (!whole) return tl::unexpected(whole.error());
  if (*whole) return next();
  if (!records.empty()) {
    SpoolBatch batch = make_batch(records, nullptr);
    offset_ += records.back().at + records.back().head.record_bytes();
    next_seq_ = batch.next_seq;
    last_crc_ = records.back().head.crc;
    return batch;
  }
  Place behind;
  const auto found = scan(offset_ + 1, [&](const RecordHead& head, std::uint64_t offset) {
    behind = place_of(head, offset);
    return head.place.segment_crc == header_.crc && head.seq >= next_seq_ &&
           head.place.commit > commits_ && head.place.commit <= commit_max;
  });
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::nullopt;
  go_to(behind);
  return next_sound(commit_max);
}

void SegmentReader::go_to(const Place& place) {
  offset_ = place.offset;
  next_seq_ = place.next_seq;
  commits_ = place.commits;
  last_crc_ = place.last_crc;
  window_.clear();
  window_offset_ = offset_;
}

Result<std::uint64_t> SegmentReader::tail_bytes() {
  const auto size = file_->size();
  if (!size) return storage_failure(path_, "cannot be examined", size.error());
  return *size > offset_ ? *size - offset_ : 0;
}

// The record at that offset, when it is one and intact, wherever it belongs.
Result<std::optional<RecordHead>> SegmentReader::intact_record(std::uint64_t offset) {
  ByteBuffer record(record_head_bytes);
  auto got = read_fully(*file_, offset, record);
  if (!got) return storage_failure(path_, "cannot be read", got.error());
  const auto head = parse_record_head(Bytes{record}.first(*got));
  if (!head) return std::nullopt;
  record.resize(head->record_bytes());
  got = read_fully(*file_, offset, record);
  if (!got) return storage_failure(path_, "cannot be read", got.error());
  if (*got != record.size() || !record_intact(*head, record)) return std::nullopt;
  return head;
}

// Every intact record from that offset on, until `stop` says so: whether it did.
Result<bool> SegmentReader::scan(std::uint64_t from, const Stop& stop) {
  ByteBuffer chunk(read_bytes);
  for (std::uint64_t offset = from;; offset += read_bytes) {
    const auto got = read_fully(*file_, offset, chunk);
    if (!got) return storage_failure(path_, "cannot be read", got.error());
    for (std::size_t i = 0; i < *got; ++i) {
      if (!record_may_begin(Bytes{chunk}.subspan(i, *got - i))) continue;
      const auto head = intact_record(offset + i);
      if (!head) return tl::unexpected(head.error());
      if (*head && stop(**head, offset + i)) return true;
    }
    if (*got < chunk.size()) return false;
  }
}

Result<bool> SegmentReader::tail_is_damage() {
  if (commits_ < closed_) return true;
  return scan(offset_, [this](const RecordHead& head, std::uint64_t) {
    return head.type == RecordType::commit && head.place.segment_crc == header_.crc &&
           head.place.commit > commits_ + 1;
  });
}

Result<std::optional<SegmentReader::Place>> SegmentReader::last_commit() {
  std::optional<Place> last;
  const auto scanned = scan(offset_, [&](const RecordHead& head, std::uint64_t offset) {
    const Place before = last.value_or(place());
    if (head.type == RecordType::commit && head.place.segment_crc == header_.crc &&
        head.place.commit > before.commits + (last ? 1 : 0) && head.seq >= before.next_seq)
      last = place_of(head, offset);
    return false;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  if (last) closed_ = std::max(closed_, last->commits + 1);
  return last;
}

Result<std::optional<SegmentReader>> SegmentReader::open_damaged(std::unique_ptr<StorageFile> file,
                                                                 std::filesystem::path path) {
  const auto first_seq = parse_segment_name(path.filename().string());
  if (!first_seq) return std::nullopt;
  SegmentReader reader{std::move(file), std::move(path), {.first_seq = *first_seq}};
  Place first;
  SegmentHeader header = reader.header_;
  const auto found = reader.scan(0, [&](const RecordHead& head, std::uint64_t offset) {
    header.crc = head.place.segment_crc;
    first = place_of(head, offset);
    return head.seq >= *first_seq && head.place.commit > 0;
  });
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::nullopt;
  header.commits_before = first.commits;
  reader.header_ = std::move(header);
  reader.go_to(first);
  return reader;
}

}  // namespace dpi
