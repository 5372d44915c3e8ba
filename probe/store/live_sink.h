// Where a live probe's events go: its own spool, continued over restarts, and from there, when a
// database is named, into PostgreSQL. Nothing that the database has not committed is deleted. When
// the spool cannot take more it says so before events are sealed (room()); a failed disk is tried
// again, and what was sealed meanwhile is kept in memory until it is durable.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "probe/spool/spool_writer.h"
#include "probe/store/event_sink.h"
#include "probe/store/shipping.h"
#include "probe/store/spool_follower.h"
#include "probe/store/spool_state.h"

namespace dpi {

struct LiveSinkOptions {
  std::filesystem::path folder;
  Uuid instance{};
  SpoolOptions spool;
  // Of spool.cap_bytes: only for heartbeats and the chain's own events.
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20U;
  // Of what is in the database: kept for shipping again after a database was restored.
  std::uint64_t keep_acked_bytes = std::uint64_t{1} << 30U;
  std::optional<ShipTarget> target;  // none: the spool only
  ShippingOptions shipping{.patience = std::chrono::seconds{5}, .try_again_when_refused = true};
};

// Read by the recorder's thread only.
struct LiveSinkStats {
  std::uint64_t spool_bytes = 0;
  std::uint64_t commits = 0;
  std::uint64_t commit_errors = 0;
  std::uint64_t durable_seq = 0;                   // events below it are durable
  std::uint64_t quarantined = 0;                   // segments and spools set aside
  std::optional<std::uint64_t> oldest_unacked_us;  // how long ago it became durable
  std::optional<ShippingStats> shipping;
  std::string trouble;  // of the disk or the database; empty: none
};

class LiveSink final : public EventSink {
 public:
  // Recovers the spool. head() is where the chain goes on.
  [[nodiscard]] static Result<std::unique_ptr<LiveSink>> open(LiveSinkOptions options);

  [[nodiscard]] const std::optional<SpoolState>& recovered() const noexcept { return recovered_; }
  [[nodiscard]] std::uint64_t recovered_bytes_cut() const noexcept { return bytes_cut_; }

  // Before anything is sealed: whether the chain that the database has is this one, if it answers
  // in time. Errc::verification when it is not; the database then has both sides of it.
  [[nodiscard]] Result<void> compare_with_database(std::chrono::milliseconds wait) const;
  // Why this probe refuses to go on, for the database to keep. Best effort.
  void tell_database(std::string_view statement, std::chrono::milliseconds wait) const;
  // What reads the spool beside the database; before readers are started.
  void add_follower(std::unique_ptr<SpoolFollower> follower) {
    followers_.push_back(std::move(follower));
  }
  // Nothing is sent before, and nothing written by followers.
  [[nodiscard]] Result<void> start_readers();
  // Their files have been moved away. From any thread.
  void reopen_followers();

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override;
  Result<void> checkpoint(std::string_view note, const ChainHead& head) override;
  Result<void> finish() override;
  [[nodiscard]] Room room() const noexcept override;
  void idle() override;

  [[nodiscard]] LiveSinkStats stats();
  // How far events have got, cheaply. The recorder's thread only.
  struct Stored {
    std::uint64_t durable_seq = 0;
    std::uint64_t durable_at_us = 0;
    bool disk_ok = true;
    std::optional<ShippingStats> shipping;
  };
  [[nodiscard]] Stored stored() const;
  // The last durable commit: from any thread.
  [[nodiscard]] std::uint64_t durable_commit() const noexcept {
    return durable_commit_.load(std::memory_order_acquire);
  }
  // Whether there is a database to ship to, and how often that was tried: from any thread.
  [[nodiscard]] bool ships() const noexcept { return shipping_ != nullptr; }
  [[nodiscard]] std::uint64_t shipping_rounds() const noexcept {
    return shipping_ ? shipping_->rounds() : 0;
  }
  // Damage met in the spool since the last call; the segments have been set aside.
  [[nodiscard]] std::vector<std::string> take_damage() { return std::exchange(damage_, {}); }
  // Microseconds of each commit since the last call.
  [[nodiscard]] std::vector<std::uint64_t> take_commit_times();

 private:
  struct Pending {
    std::uint64_t seq;
    std::string envelope;
    std::string payload;
  };
  explicit LiveSink(LiveSinkOptions options) : options_(std::move(options)) {}
  Result<void> open_writer();
  void commit();
  void recover();
  void set_damaged_aside();
  // Deletes what the database has. The disk or the cap is full: also what would be kept, and what
  // only a follower lacks.
  void retain(bool all_acked);

  LiveSinkOptions options_;
  std::unique_ptr<SpoolWriter> writer_;  // null: the disk failed, waiting to try again
  std::optional<SpoolState> recovered_;
  std::uint64_t bytes_cut_ = 0;
  // Sealed but not durable: the batch that is being filled, or one that could not be committed.
  std::vector<Pending> pending_;
  std::uint64_t pending_bytes_ = 0;
  ByteBuffer pending_state_;  // not empty: the batch is closed and waits for the disk
  std::uint64_t try_again_at_us_ = 0;
  std::uint64_t retained_upto_ = 0;  // what had been acknowledged when all of it was deleted last
  std::uint64_t commit_errors_ = 0;
  std::uint64_t durable_seq_ = 0;
  std::uint64_t durable_at_us_ = 0;
  std::string trouble_;
  std::vector<std::string> damage_;
  std::vector<std::uint64_t> commit_times_us_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> unacked_;  // end of a commit, when
  std::atomic<std::uint64_t> durable_commit_{0};
  std::unique_ptr<Shipping> shipping_;
  std::vector<std::unique_ptr<SpoolFollower>> followers_;
};

}  // namespace dpi
