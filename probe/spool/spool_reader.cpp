#include "probe/spool/spool_reader.h"

#include <algorithm>
#include <string>
#include <utility>

namespace dpi {
namespace {

// More is not told one by one: whoever reads this looks at the whole spool anyway.
constexpr std::size_t damage_max = 1000;

// The segment behind the current one.
auto behind(const std::vector<SegmentFile>& segments, const std::optional<SegmentFile>& current) {
  return std::ranges::find_if(segments, [&](const SegmentFile& file) {
    return !current || file.first_seq > current->first_seq;
  });
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

void SpoolReader::note(SpoolDamage damage) {
  const bool known = std::ranges::any_of(damage_, [&](const SpoolDamage& other) {
    return other.segment_seq == damage.segment_seq && other.offset == damage.offset;
  });
  if (!known && damage_.size() < damage_max) damage_.push_back(std::move(damage));
}

void SpoolReader::note_here(const std::string& found) {
  note({.segment = file_->path,
        .segment_seq = file_->first_seq,
        .offset = segment_->end_offset(),
        .in_bytes = true,
        .what = file_->path.string() + ": byte " + std::to_string(segment_->end_offset()) + ": " +
                found});
}

// Nothing when nothing in that file is sound.
Result<std::optional<SegmentReader>> SpoolReader::open_segment(const SegmentFile& file) {
  auto bytes = storage_->open(file.path, Storage::Mode::read);
  if (!bytes) return storage_failure(file.path, "cannot be opened", bytes.error());
  auto opened = SegmentReader::open(std::move(*bytes), file.path);
  if (opened) return std::optional{std::move(*opened)};
  if (opened.error().code != Errc::verification) return tl::unexpected(opened.error());
  note({file.path, file.first_seq, 0, true, opened.error().what});
  bytes = storage_->open(file.path, Storage::Mode::read);
  if (!bytes) return storage_failure(file.path, "cannot be opened", bytes.error());
  return SegmentReader::open_damaged(std::move(*bytes), file.path);
}

// Makes that file the current one; after an error everything is as it was.
Result<void> SpoolReader::enter(const SegmentFile& file) {
  auto opened = open_segment(file);
  if (!opened) return tl::unexpected(opened.error());
  const std::optional<SegmentReader> before = std::exchange(segment_, std::move(*opened));
  file_ = file;
  if (!segment_) return {};
  const SegmentHeader& header = segment_->header();
  if (header.bytes == 0) return {};  // damaged: it does not say whose it is and what it continues
  if (!instance_) instance_ = header.instance;
  if (header.instance != *instance_) {
    note_here("this segment is of instance " + uuid_text(header.instance) + ", expected " +
              uuid_text(*instance_));
    segment_.reset();
  } else if (before && before->next_seq() < header.first_seq) {
    note({.segment = before->path(),
          .segment_seq = before->header().first_seq,
          .offset = before->end_offset(),
          .in_bytes = false,
          .what = before->path().string() + ": byte " + std::to_string(before->end_offset()) +
                  ": the chain continues with sequence " + std::to_string(before->next_seq()) +
                  ", but the next segment begins with " + std::to_string(header.first_seq)});
  } else if (before && (before->next_seq() != header.first_seq ||
                        before->commits() != header.commits_before ||
                        before->last_crc() != header.previous_crc)) {
    note_here("this segment does not continue " + before->path().string());
  }
  return {};
}

// Goes on to the segment behind the current one; false when there is none.
Result<bool> SpoolReader::advance() {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  const auto next = behind(*segments, file_);
  if (next == segments->end()) return false;
  if (auto entered = enter(*next); !entered) return tl::unexpected(entered.error());
  return true;
}

// The next batch of this segment. At its tail it decides whether that is simply the end so far. A
// live writer may have gone on since we last looked, so nothing is called damage before it has been
// read again.
Result<std::optional<SpoolBatch>> SpoolReader::next_here(std::uint64_t commit_max) {
  auto batch = segment_->next();
  if (!batch || *batch) return batch;
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  const auto next = behind(*segments, file_);
  const auto tail = segment_->tail_bytes();
  if (!tail) return tl::unexpected(tail.error());
  if (*tail == 0 && next != segments->end()) return segment_->next();
  if (*tail == 0) return std::nullopt;
  if (next == segments->end()) {
    const auto damaged = segment_->tail_is_damage();
    if (!damaged) return tl::unexpected(damaged.error());
    if (!*damaged) return std::nullopt;
  }
  batch = segment_->next();
  if (!batch || *batch) return batch;
  // What was written behind the last batch that counts was torn, and made again in a new segment.
  // Behind the last one that is closed the writer goes on, or already has in that segment.
  if (next != segments->end()) {
    auto bytes = storage_->open(next->path, Storage::Mode::read);
    if (!bytes) return storage_failure(next->path, "cannot be opened", bytes.error());
    if (const auto opened = SegmentReader::open(std::move(*bytes), next->path))
      commit_max = std::min(commit_max, opened->header().commits_before);
  } else {
    const auto last = segment_->last_commit();
    if (!last) return tl::unexpected(last.error());
    commit_max = std::min(commit_max, *last ? (*last)->commits + 1 : segment_->commits());
  }
  if (segment_->commits() >= commit_max) return std::nullopt;
  note_here("bad record, expected sequence " + std::to_string(segment_->next_seq()) +
            "; later batches lie behind it");
  return segment_->next_sound(commit_max);
}

Result<std::optional<SpoolBatch>> SpoolReader::next(std::uint64_t commit_max) {
  for (;;) {
    if (segment_) {
      if (segment_->commits() >= commit_max) return std::nullopt;
      auto batch = next_here(commit_max);
      if (!batch || *batch) return batch;
    }
    const auto advanced = advance();
    if (!advanced) return tl::unexpected(advanced.error());
    if (!*advanced) return std::nullopt;
  }
}

Result<void> SpoolReader::seek(std::uint64_t seq) {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  segment_.reset();
  file_.reset();
  if (segments->empty()) return {};
  const auto first_behind = std::ranges::find_if(
      *segments, [seq](const SegmentFile& file) { return file.first_seq > seq; });
  const auto holds = first_behind == segments->begin() ? first_behind : std::prev(first_behind);
  if (auto entered = enter(*holds); !entered) return entered;
  while (segment_) {
    const SegmentReader::Place before = segment_->place();
    const auto batch = next_here(any_commit);
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) return {};
    if ((*batch)->next_seq <= seq) continue;
    segment_->go_to(before);
    return {};
  }
  return {};
}

Result<void> SpoolReader::seek_newest() {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  // The last segment may have been begun a moment ago.
  for (auto file = segments->rbegin(); file != segments->rend(); ++file) {
    segment_.reset();
    if (auto entered = enter(*file); !entered) return entered;
    std::optional<SegmentReader::Place> newest;
    while (segment_) {
      const SegmentReader::Place before = segment_->place();
      const auto batch = next_here(any_commit);
      if (!batch) return tl::unexpected(batch.error());
      if (!*batch) break;
      newest = before;
    }
    if (!newest) continue;
    segment_->go_to(*newest);
    return {};
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
  return instance_;
}

}  // namespace dpi
