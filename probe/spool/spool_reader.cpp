#include "probe/spool/spool_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "probe/spool/spool_folder.h"

namespace dpi {
namespace {

tl::unexpected<Error> damage(const SegmentReader& segment, const std::string& found) {
  return fail(Errc::verification, segment.path().string() + ": byte " +
                                      std::to_string(segment.end_offset()) + ": " + found +
                                      "; set the spool aside and keep it as evidence");
}

}  // namespace

SpoolReader::SpoolReader(std::filesystem::path folder, Storage& storage)
    : folder_(std::move(folder)), storage_(&storage) {}

Result<SpoolReader> SpoolReader::open(const std::filesystem::path& folder) {
  return open(folder, posix_storage());
}

Result<SpoolReader> SpoolReader::open(const std::filesystem::path& folder, Storage& storage) {
  SpoolReader reader{folder, storage};
  const auto advanced = reader.advance();
  if (!advanced) return tl::unexpected(advanced.error());
  return reader;
}

Result<SegmentReader> SpoolReader::open_segment(const std::filesystem::path& path) const {
  auto file = storage_->open(path, Storage::Mode::read);
  if (!file) return storage_failure(path, "cannot be opened", file.error());
  return SegmentReader::open(std::move(*file), path);
}

// Goes on to the segment behind the current one; false when there is none.
Result<bool> SpoolReader::advance() {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  const auto next = std::ranges::find_if(*segments, [this](const SegmentFile& file) {
    return !segment_ || file.first_seq > segment_->header().first_seq;
  });
  if (next == segments->end()) return false;
  if (segment_ && next->first_seq != segment_->next_seq()) {
    return damage(*segment_,
                  "the chain continues with sequence " + std::to_string(segment_->next_seq()) +
                      ", but the next segment begins with " + std::to_string(next->first_seq));
  }
  auto opened = open_segment(next->path);
  if (!opened) return tl::unexpected(opened.error());
  if (segment_) {
    const SegmentHeader& header = opened->header();
    if (header.instance != segment_->header().instance ||
        header.commits_before != segment_->commits() ||
        header.previous_crc != segment_->last_crc()) {
      return damage(*opened, "this segment does not continue " + segment_->path().string());
    }
  }
  segment_ = std::move(*opened);
  return true;
}

// At the tail of the current segment: decides whether it is simply the end so far. A live writer
// may have gone on since we last looked, so nothing is called damage before it has been read again.
Result<std::optional<SpoolBatch>> SpoolReader::read_tail() {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  const bool is_last =
      segments->empty() || segments->back().first_seq <= segment_->header().first_seq;
  const auto tail = segment_->tail_bytes();
  if (!tail) return tl::unexpected(tail.error());
  if (is_last) {
    const auto damaged = *tail == 0 ? Result<bool>{false} : segment_->tail_is_damage();
    if (!damaged) return tl::unexpected(damaged.error());
    if (!*damaged) return std::nullopt;
  }
  auto batch = segment_->next();
  if (!batch || *batch) return batch;
  const auto left = segment_->tail_bytes();
  if (!left) return tl::unexpected(left.error());
  if (is_last || *left > 0) {
    return damage(*segment_, "bad record, expected sequence " +
                                 std::to_string(segment_->next_seq()) +
                                 "; later batches lie behind it");
  }
  const auto advanced = advance();
  if (!advanced) return tl::unexpected(advanced.error());
  return std::nullopt;
}

Result<std::optional<SpoolBatch>> SpoolReader::next(std::uint64_t commit_max) {
  if (!segment_) {
    const auto advanced = advance();
    if (!advanced) return tl::unexpected(advanced.error());
    if (!*advanced) return std::nullopt;
  }
  // One turn per segment: a segment without a batch can only be the last.
  for (;;) {
    if (segment_->commits() >= commit_max) return std::nullopt;
    auto batch = segment_->next();
    if (!batch || *batch) return batch;
    const std::uint64_t first_seq = segment_->header().first_seq;
    batch = read_tail();
    if (!batch || *batch) return batch;
    if (segment_->header().first_seq == first_seq) return std::nullopt;
  }
}

Result<void> SpoolReader::seek(std::uint64_t seq) {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  auto behind = std::ranges::find_if(
      *segments, [seq](const SegmentFile& file) { return file.first_seq > seq; });
  if (behind == segments->begin()) {
    if (segments->empty() && seq == 0) return {};
    return fail(Errc::verification,
                folder_.string() + ": sequence " + std::to_string(seq) +
                    " is not there, expected from " +
                    (segments->empty() ? "0" : std::to_string(segments->front().first_seq)) +
                    " on; it was deleted as acknowledged, or this spool is not the one meant");
  }
  const std::filesystem::path& path = std::prev(behind)->path;
  // A reader cannot go back by one batch, so look first and then read the ones before again.
  auto scout = open_segment(path);
  if (!scout) return tl::unexpected(scout.error());
  std::uint64_t batches_before = 0;
  while (scout->next_seq() <= seq) {
    const auto batch = scout->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    if (scout->next_seq() <= seq) ++batches_before;
  }
  if (scout->next_seq() < seq) {
    return damage(*scout, "the spool ends with sequence " + std::to_string(scout->next_seq()) +
                              ", expected " + std::to_string(seq) +
                              ": it is older than what was acknowledged, or damaged");
  }
  return skip_to(path, batches_before);
}

Result<void> SpoolReader::skip_to(const std::filesystem::path& path, std::uint64_t batches) {
  auto opened = open_segment(path);
  if (!opened) return tl::unexpected(opened.error());
  for (; batches > 0; --batches) {
    const auto batch = opened->next();
    if (!batch) return tl::unexpected(batch.error());
  }
  segment_ = std::move(*opened);
  return {};
}

Result<void> SpoolReader::seek_oldest() {
  segment_.reset();
  const auto advanced = advance();
  if (!advanced) return tl::unexpected(advanced.error());
  return {};
}

Result<void> SpoolReader::seek_newest() {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  // The last segment may have been begun a moment ago.
  for (auto file = segments->rbegin(); file != segments->rend(); ++file) {
    auto scout = open_segment(file->path);
    if (!scout) return tl::unexpected(scout.error());
    std::uint64_t batches = 0;
    for (;; ++batches) {
      const auto batch = scout->next();
      if (!batch) return tl::unexpected(batch.error());
      if (!*batch) break;
    }
    if (batches > 0) return skip_to(file->path, batches - 1);
  }
  return seek_oldest();
}

Result<std::uint64_t> SpoolReader::tail_bytes() {
  if (!segment_) return 0;
  return segment_->tail_bytes();
}

std::uint64_t SpoolReader::next_seq() const noexcept {
  return segment_ ? segment_->next_seq() : 0;
}

std::optional<Uuid> SpoolReader::instance() const noexcept {
  if (!segment_) return std::nullopt;
  return segment_->header().instance;
}

}  // namespace dpi
