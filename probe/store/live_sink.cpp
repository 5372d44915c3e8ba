#include "probe/store/live_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/base/check.h"
#include "probe/base/clock.h"
#include "probe/spool/spool_folder.h"

namespace dpi {
namespace {

constexpr std::uint64_t try_again_us = 1'000'000;
constexpr std::size_t commit_times_max = 4096;

std::uint64_t set_aside_in(const std::filesystem::path& folder) {
  std::error_code none;
  const std::filesystem::directory_iterator first(folder / spool_quarantine_name, none);
  auto count = none ? 0 : static_cast<std::uint64_t>(std::distance(first, {}));
  if (const auto segments = list_segments(posix_storage(), folder))
    count += static_cast<std::uint64_t>(
        std::ranges::count_if(*segments, [](const SegmentFile& s) { return s.set_aside; }));
  return count;
}

}  // namespace

Result<std::unique_ptr<LiveSink>> LiveSink::open(LiveSinkOptions options) {
  if (auto made = create_folders(posix_storage(), options.folder.parent_path()); !made)
    return tl::unexpected(made.error());
  std::unique_ptr<LiveSink> sink(new LiveSink(std::move(options)));
  if (auto opened = sink->open_writer(); !opened) return tl::unexpected(opened.error());
  sink->bytes_cut_ = sink->writer_->recovered_bytes_cut();
  if (sink->writer_->next_seq() > 0) {
    sink->recovered_ = decode_spool_state(sink->writer_->last_state());
    if (!sink->recovered_ || sink->recovered_->head.tree.size() != sink->writer_->next_seq()) {
      return fail(Errc::verification,
                  fmt::format("{}: the last commit does not say where the chain stands; set the "
                              "spool aside and enrol a new instance",
                              sink->options_.folder.string()));
    }
  }
  return sink;
}

Result<void> LiveSink::compare_with_database(std::chrono::milliseconds wait) const {
  if (!options_.target) return {};
  auto reader = SpoolReader::open(options_.folder);
  if (!reader) return tl::unexpected(reader.error());
  Patience patience(wait);
  patience.end_at(Patience::Clock::now() + wait);
  Shipper shipper(*options_.target, std::move(*reader));
  shipper.wait_with(patience);
  const auto compared = shipper.compare();
  if (!shipper.refused_for_good()) return {};
  return fail(Errc::verification, compared.error().what);
}

void LiveSink::tell_database(std::string_view statement, std::chrono::milliseconds wait) const {
  if (!options_.target) return;
  auto reader = SpoolReader::open(options_.folder);
  if (!reader) return;
  Patience patience(wait);
  patience.end_at(Patience::Clock::now() + wait);
  Shipper shipper(*options_.target, std::move(*reader));
  shipper.wait_with(patience);
  [[maybe_unused]] const auto told = shipper.tell(statement);
}

Result<void> LiveSink::start_readers() {
  for (const auto& follower : followers_) follower->start();
  if (!options_.target) return {};
  auto reader = SpoolReader::open(options_.folder);
  if (!reader) return tl::unexpected(reader.error());
  shipping_ = std::make_unique<Shipping>(
      Shipper(*options_.target, std::move(*reader)), [this] { return durable_commit(); },
      options_.shipping);
  return {};
}

void LiveSink::reopen_followers() {
  for (const auto& follower : followers_) follower->reopen();
}

Result<void> LiveSink::open_writer() {
  auto writer = SpoolWriter::open(options_.folder, options_.instance, options_.spool);
  if (!writer) return tl::unexpected(writer.error());
  writer_ = std::move(*writer);
  durable_seq_ = writer_->next_seq();
  durable_commit_.store(writer_->durable_commit(), std::memory_order_release);
  return {};
}

Result<void> LiveSink::event(std::uint64_t seq, std::string_view envelope,
                             std::string_view payload) {
  // A closed batch that waits for the disk cannot grow: whoever seals has asked room() before.
  DPI_CHECK(pending_state_.empty());
  pending_.push_back({seq, std::string{envelope}, std::string{payload}});
  pending_bytes_ += envelope.size() + payload.size();
  return {};
}

Result<void> LiveSink::checkpoint(std::string_view note, const ChainHead& head) {
  DPI_CHECK(pending_state_.empty());
  pending_state_ = encode_spool_state(head, note);
  commit();
  return {};
}

// Whatever fails, the batch stays in memory, and idle() tries again.
void LiveSink::commit() {
  if (writer_ == nullptr) return;
  const std::uint64_t began_us = boot_time_us();
  for (const Pending& p : pending_) {
    if (p.seq == writer_->next_seq())
      writer_->append(p.seq, as_bytes(std::string_view{p.envelope}),
                      as_bytes(std::string_view{p.payload}));
  }
  const auto committed = writer_->commit(pending_state_);
  if (!committed) {
    ++commit_errors_;
    trouble_ = committed.error().what;
    writer_.reset();
    try_again_at_us_ = began_us + try_again_us;
    return;
  }
  trouble_.clear();
  durable_at_us_ = boot_time_us();
  if (commit_times_us_.size() < commit_times_max)
    commit_times_us_.push_back(durable_at_us_ - began_us);
  durable_seq_ = writer_->next_seq();
  durable_commit_.store(writer_->durable_commit(), std::memory_order_release);
  pending_.clear();
  pending_bytes_ = 0;
  pending_state_.clear();
  for (const auto& follower : followers_) follower->wake();
  if (!shipping_) return;
  // One entry a second is exact enough, and bounded by the time that the database is away.
  if (unacked_.empty() || began_us - unacked_.back().second >= 1'000'000)
    unacked_.emplace_back(durable_seq_, began_us);
  shipping_->wake();
  retain(room() != Room::plenty);
}

void LiveSink::retain(bool all_acked) {
  if (!shipping_ || writer_ == nullptr) return;
  std::uint64_t acked = shipping_->stats().acked_seq;
  for (const auto& follower : followers_)
    if (!all_acked) acked = std::min(acked, follower->position());
  if (all_acked && std::exchange(retained_upto_, acked) == acked) return;
  if (auto retained = writer_->retain(acked, all_acked ? 0 : options_.keep_acked_bytes); !retained)
    trouble_ = retained.error().what;
}

// Opens the spool anew: what it holds decides which events of the batch are still to be appended.
void LiveSink::recover() {
  if (auto opened = open_writer(); !opened) {
    ++commit_errors_;
    trouble_ = opened.error().what;
    try_again_at_us_ = boot_time_us() + try_again_us;
    return;
  }
  if (pending_state_.empty()) return;
  retained_upto_ = 0;
  retain(true);
  if (!pending_.empty() && pending_.back().seq < writer_->next_seq()) {
    // The commit whose success was never told did reach the disk.
    pending_.clear();
    pending_bytes_ = 0;
    pending_state_.clear();
    trouble_.clear();
    return;
  }
  commit();
}

// What the shipper found damaged gets a name that says so, so that nothing deletes or continues it.
void LiveSink::set_damaged_aside() {
  if (!shipping_ || writer_ == nullptr) return;
  for (SpoolDamage& damage : shipping_->take_damage()) {
    damage_.push_back(std::move(damage.what));
    if (!damage.in_bytes) continue;
    if (auto aside = writer_->set_aside(damage.segment_seq); !aside) trouble_ = aside.error().what;
  }
}

// Room does not wait for a commit: with none, nothing more would be sealed.
void LiveSink::idle() {
  if (writer_ == nullptr && boot_time_us() >= try_again_at_us_) recover();
  set_damaged_aside();
  if (writer_ != nullptr && room() != Room::plenty) retain(true);
}

Room LiveSink::room() const noexcept {
  if (writer_ == nullptr || !pending_state_.empty()) return Room::none;
  const std::uint64_t used = writer_->used_bytes() + pending_bytes_;
  const std::uint64_t cap = options_.spool.cap_bytes;
  // The commit that closes the batch must fit too.
  constexpr std::uint64_t margin_bytes = 1U << 20U;
  if (used + margin_bytes > cap) return Room::none;
  if (used + margin_bytes + std::min(options_.reserve_bytes, cap / 4) > cap) return Room::reserved;
  return Room::plenty;
}

Result<void> LiveSink::finish() {
  if (!pending_state_.empty()) recover();
  for (const auto& follower : followers_) follower->begin_stop();
  for (const auto& follower : followers_) follower->stop();
  Result<void> shipped;
  if (shipping_) shipped = shipping_->stop();
  if (!pending_state_.empty()) {
    return fail(Errc::sink,
                fmt::format("{} events could not be made durable: {}", pending_.size(), trouble_));
  }
  if (!shipped) {
    return fail(shipped.error().code,
                fmt::format("{}; everything is kept in {} and goes out after the next start",
                            shipped.error().what, options_.folder.string()));
  }
  return {};
}

LiveSinkStats LiveSink::stats() {
  LiveSinkStats out;
  out.spool_bytes = writer_ ? writer_->used_bytes() : 0;
  out.commits = durable_commit_.load(std::memory_order_relaxed);
  out.commit_errors = commit_errors_;
  out.durable_seq = durable_seq_;
  out.quarantined = set_aside_in(options_.folder);
  out.trouble = trouble_;
  if (shipping_) {
    out.shipping = shipping_->stats();
    if (out.trouble.empty()) out.trouble = shipping_->trouble();
    while (!unacked_.empty() && unacked_.front().first <= out.shipping->acked_seq)
      unacked_.pop_front();
    if (!unacked_.empty()) out.oldest_unacked_us = boot_time_us() - unacked_.front().second;
  }
  return out;
}

LiveSink::Stored LiveSink::stored() const {
  Stored out{.durable_seq = durable_seq_,
             .durable_at_us = durable_at_us_,
             .disk_ok = writer_ != nullptr,
             .shipping = std::nullopt};
  if (shipping_) out.shipping = shipping_->stats();
  return out;
}

std::vector<std::uint64_t> LiveSink::take_commit_times() {
  return std::exchange(commit_times_us_, {});
}

}  // namespace dpi
