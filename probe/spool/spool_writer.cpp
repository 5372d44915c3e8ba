#include "probe/spool/spool_writer.h"

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "probe/base/check.h"
#include "probe/spool/spool_folder.h"
#include "probe/spool/spool_reader.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

IoResult<void> write_fully(StorageFile& file, std::uint64_t offset, Bytes bytes) {
  while (!bytes.empty()) {
    const auto wrote = file.write(offset, bytes);
    if (!wrote) return tl::unexpected<int>(wrote.error());
    if (*wrote == 0) return tl::unexpected<int>(EIO);
    offset += *wrote;
    bytes = bytes.subspan(*wrote);
  }
  return {};
}

}  // namespace

SpoolWriter::SpoolWriter(fs::path folder, const Uuid& instance, const SpoolOptions& options,
                         Storage& storage, std::unique_ptr<StorageLock> lock)
    : folder_(std::move(folder)),
      instance_(instance),
      options_(options),
      storage_(&storage),
      lock_(std::move(lock)) {}

Result<std::unique_ptr<SpoolWriter>> SpoolWriter::open(const fs::path& folder, const Uuid& instance,
                                                       const SpoolOptions& options) {
  return open(folder, instance, options, posix_storage());
}

Result<std::unique_ptr<SpoolWriter>> SpoolWriter::open(const fs::path& folder, const Uuid& instance,
                                                       const SpoolOptions& options,
                                                       Storage& storage) {
  auto lock = lock_spool(storage, folder);
  if (!lock) return tl::unexpected(lock.error());
  std::unique_ptr<SpoolWriter> writer{
      new SpoolWriter{folder, instance, options, storage, std::move(*lock)}};
  if (auto recovered = writer->recover(); !recovered) return tl::unexpected(recovered.error());
  return writer;
}

Result<void> SpoolWriter::recover() {
  auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  const fs::path unfinished = folder_ / spool_unfinished_name;
  if (const auto gone = storage_->remove(unfinished); !gone && gone.error() != ENOENT) {
    return storage_failure(unfinished, "cannot be removed", gone.error());
  }
  if (!segments->empty()) {
    if (auto last = recover_last(segments->back()); !last) return last;
  }
  // Names too must be safe before anything is built on them.
  if (const auto synced = storage_->sync_folder(folder_); !synced) {
    return storage_failure(folder_, "cannot be synced", synced.error());
  }
  segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  for (const SegmentFile& segment : *segments) {
    const auto size = storage_->file_size(segment.path);
    if (!size) return storage_failure(segment.path, "cannot be examined", size.error());
    used_bytes_ += *size;
  }
  return {};
}

Result<SegmentReader> SpoolWriter::open_last(const fs::path& path) {
  auto file = storage_->open(path, Storage::Mode::write);
  if (!file) return storage_failure(path, "cannot be opened", file.error());
  (*file)->drop_cache();
  auto segment = SegmentReader::open(std::move(*file), path);
  if (segment || segment.error().code != Errc::verification) return segment;
  file = storage_->open(path, Storage::Mode::write);
  if (!file) return storage_failure(path, "cannot be opened", file.error());
  auto damaged = SegmentReader::open_damaged(std::move(*file), path);
  if (!damaged) return tl::unexpected(damaged.error());
  if (!*damaged) return segment;
  return std::move(**damaged);
}

// The chain goes on behind the last COMMIT that is intact. A torn tail was never acknowledged and
// is cut off; a segment with damage in front of that COMMIT stays as it is, under another name.
Result<void> SpoolWriter::recover_last(const SegmentFile& last) {
  const fs::path& path = last.path;
  auto segment = open_last(path);
  if (!segment) return tl::unexpected(segment.error());
  header_ = segment->header();
  bool damaged = last.set_aside || header_.bytes == 0;
  if (header_.bytes != 0 && header_.instance != instance_) {
    return fail(Errc::sink, path.string() + ": belongs to instance " + uuid_text(header_.instance) +
                                ", expected " + uuid_text(instance_) +
                                "; name that instance's own folder, or set this spool aside");
  }
  state_ = header_.state;
  bool committed = header_.bytes != 0;
  SegmentReader::Place end = segment->place();
  for (;;) {
    auto batch = segment->next();
    if (batch && !*batch) {
      const auto is_damage = segment->tail_is_damage();
      if (!is_damage) return tl::unexpected(is_damage.error());
      if (!*is_damage) break;
      const auto last_commit = segment->last_commit();
      if (!last_commit) return tl::unexpected(last_commit.error());
      if (!*last_commit) break;
      damaged = true;
      segment->go_to(**last_commit);
      batch = segment->next();
    }
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    state_.assign((*batch)->state.begin(), (*batch)->state.end());
    end = segment->place();
    committed = true;
  }
  if (damaged && (!committed || end.next_seq == header_.first_seq)) {
    return fail(Errc::verification,
                path.string() +
                    ": byte 0: damaged, and no commit in it is left to go on from; set "
                    "the spool aside and begin a new instance");
  }
  segment->go_to(end);
  const auto tail = segment->tail_bytes();
  if (!tail) return tl::unexpected(tail.error());
  end_ = end.offset;
  next_seq_ = end.next_seq;
  commits_ = end.commits;
  last_crc_ = end.last_crc;
  file_ = std::move(*segment).take_file();
  if (!damaged && *tail > 0) {
    bytes_cut_ = *tail;
    if (const auto cut = file_->truncate(end_); !cut) {
      return storage_failure(path, "cannot be truncated", cut.error());
    }
  }
  // Even a whole tail may so far be only in memory.
  if (const auto synced = file_->sync(); !synced) {
    return storage_failure(path, "cannot be synced", synced.error());
  }
  if (!damaged) return {};
  file_.reset();
  return set_segment_aside(*storage_, path);
}

Result<void> SpoolWriter::set_aside(std::uint64_t segment_seq) {
  DPI_CHECK(!batch_begun_);
  const fs::path path = folder_ / segment_name(segment_seq);
  if (!storage_->file_size(path)) return {};  // done already, or deleted
  if (segment_seq == header_.first_seq) {
    // What begins behind it needs a name of its own.
    if (next_seq_ == segment_seq) return {};
    file_.reset();
  }
  return set_segment_aside(*storage_, path);
}

void SpoolWriter::leap(std::uint64_t seq) {
  DPI_CHECK(!batch_begun_ && seq >= next_seq_);
  if (seq == next_seq_) return;
  next_seq_ = seq;
  file_.reset();
}

// Decides the batch's segment; a new one is created only when the batch is committed.
void SpoolWriter::begin_batch() {
  if (batch_begun_) return;
  batch_begun_ = true;
  const bool full = end_ >= options_.segment_bytes && next_seq_ > header_.first_seq;
  if (file_ == nullptr || full) {
    header_ = SegmentHeader{.instance = instance_,
                            .first_seq = next_seq_,
                            .commits_before = commits_,
                            .previous_crc = last_crc_,
                            .state = state_};
    new_header_ = encode_segment_header(header_);
    last_crc_ = header_.crc;
  }
  previous_crc_ = last_crc_;
}

void SpoolWriter::append(std::uint64_t seq, Bytes envelope, Bytes payload) {
  if (failed_) return;
  DPI_CHECK(seq == next_seq_);
  DPI_CHECK(envelope.size() <= record_blob_bytes_max && payload.size() <= record_blob_bytes_max);
  begin_batch();
  const RecordPlace place{
      .segment_crc = header_.crc, .previous_crc = previous_crc_, .commit = commits_ + 1};
  previous_crc_ = append_record(batch_, RecordType::data, place, seq, envelope, payload);
  ++next_seq_;
}

tl::unexpected<Error> SpoolWriter::give_up(tl::unexpected<Error> error) {
  // The bytes behind end_ may be in the cache without ever reaching the disk; without them recovery
  // cannot take them for durable. Best effort: recovery drops the cache as well.
  if (file_ != nullptr) static_cast<void>(file_->truncate(end_));
  file_.reset();
  batch_.clear();
  failed_ = error.value();
  return error;
}

Result<void> SpoolWriter::create_segment() {
  const fs::path unfinished = folder_ / spool_unfinished_name;
  const fs::path path = folder_ / segment_name(header_.first_seq);
  auto file = storage_->open(unfinished, Storage::Mode::create);
  if (!file) return storage_failure(unfinished, "cannot be created", file.error());
  if (const auto wrote = write_fully(**file, 0, new_header_); !wrote) {
    return storage_failure(unfinished, "cannot be written", wrote.error());
  }
  // A name ending in .seg stands for a whole header: written and synced first, renamed then.
  if (options_.sync) {
    if (const auto synced = (*file)->sync(); !synced) {
      return storage_failure(unfinished, "cannot be synced", synced.error());
    }
  }
  if (const auto renamed = storage_->rename(unfinished, path); !renamed) {
    return storage_failure(path, "cannot be created", renamed.error());
  }
  if (options_.sync) {
    if (const auto synced = storage_->sync_folder(folder_); !synced) {
      return storage_failure(folder_, "cannot be synced", synced.error());
    }
  }
  file_ = std::move(*file);
  end_ = new_header_.size();
  used_bytes_ += end_;
  return {};
}

Result<void> SpoolWriter::write_batch(Bytes bytes) {
  const fs::path path = folder_ / segment_name(header_.first_seq);
  if (const auto wrote = write_fully(*file_, end_, bytes); !wrote) {
    return storage_failure(path, "cannot be written", wrote.error());
  }
  if (options_.sync) {
    if (const auto synced = file_->sync(); !synced) {
      return storage_failure(path, "cannot be synced", synced.error());
    }
  }
  return {};
}

Result<void> SpoolWriter::commit(Bytes state) {
  DPI_CHECK(state.size() <= spool_state_bytes_max);
  if (failed_) return tl::unexpected(*failed_);
  begin_batch();
  const std::uint64_t bytes = new_header_.size() + batch_.size() + record_head_bytes + state.size();
  DPI_CHECK(bytes <= batch_bytes_max);
  if (used_bytes_ + bytes > options_.cap_bytes) {
    return fail(Errc::sink,
                folder_.string() + ": the spool is full, " + std::to_string(used_bytes_) + " of " +
                    std::to_string(options_.cap_bytes) +
                    " bytes used; let the shipper catch up or raise its cap; nothing is lost");
  }
  const RecordPlace place{
      .segment_crc = header_.crc, .previous_crc = previous_crc_, .commit = commits_ + 1};
  const std::uint32_t crc = append_record(batch_, RecordType::commit, place, next_seq_, state, {});
  if (!new_header_.empty()) {
    file_.reset();
    if (auto created = create_segment(); !created) return give_up(tl::unexpected(created.error()));
    new_header_.clear();
  }
  if (auto wrote = write_batch(batch_); !wrote) return give_up(tl::unexpected(wrote.error()));
  end_ += batch_.size();
  used_bytes_ += batch_.size();
  last_crc_ = crc;
  state_.assign(state.begin(), state.end());
  batch_.clear();
  batch_begun_ = false;
  commits_.fetch_add(1, std::memory_order_release);
  return {};
}

Result<std::uint64_t> SpoolWriter::retain(std::uint64_t acked_seq, std::uint64_t keep_acked_bytes) {
  const auto segments = list_segments(*storage_, folder_);
  if (!segments) return tl::unexpected(segments.error());
  std::vector<std::pair<SegmentFile, std::uint64_t>> acked;
  std::uint64_t acked_bytes = 0;
  for (std::size_t i = 0; i + 1 < segments->size() && (*segments)[i + 1].first_seq <= acked_seq;
       ++i) {
    const fs::path& path = (*segments)[i].path;
    const auto size = storage_->file_size(path);
    if (!size) return storage_failure(path, "cannot be examined", size.error());
    acked.emplace_back((*segments)[i], *size);
    acked_bytes += *size;
  }
  std::uint64_t deleted = 0;
  for (const auto& [segment, size] : acked) {
    if (acked_bytes - deleted - size < keep_acked_bytes) break;
    if (segment.set_aside) {
      if (auto moved = quarantine_segment(*storage_, segment.path); !moved)
        return tl::unexpected(moved.error());
    } else if (const auto removed = storage_->remove(segment.path); !removed) {
      return storage_failure(segment.path, "cannot be deleted", removed.error());
    }
    deleted += size;
    used_bytes_ -= size;
    // One by one, so that no power cut can leave a hole between segments.
    if (const auto synced = storage_->sync_folder(folder_); !synced) {
      return storage_failure(folder_, "cannot be synced", synced.error());
    }
  }
  return deleted;
}

}  // namespace dpi
