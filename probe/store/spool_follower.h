// An output of a live probe: a thread that reads what is durable in the spool and hands it to a
// sink, of files or over the network. Whatever happens there, the probe goes on and the spool keeps
// what it lacks; after a failure, a crash or a restart the output goes on where it is known to be
// safe, without loss, and without a line twice in files.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "probe/base/result.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/followed_sink.h"
#include "probe/store/output_position.h"
#include "probe/store/patience.h"

namespace dpi {

// What is worth a line in the log.
struct FollowerNews {
  enum class Kind : std::uint8_t {
    failed,  // why; said once until it works again
    works,   // again
    gap,     // the spool no longer has what the output lacks, or nobody knows what that is
  };
  Kind kind = Kind::failed;
  std::string what;
};

// How long an output that fails is waited for.
struct FollowerPatience {
  std::chrono::steady_clock::duration try_again_max = std::chrono::seconds{1};  // doubles up to it
  std::chrono::steady_clock::duration ending = std::chrono::seconds{5};         // at the end
};

struct FollowerOptions {
  std::filesystem::path spool;
  std::string output;       // as the user named it: kind:path
  bool positioned = true;   // false: standard output, which has no place to go on from
  std::uint64_t begin = 0;  // where it begins when it has no position: what is new
  // What it waits for, it waits for no longer than this says.
  std::function<Result<std::unique_ptr<FollowedSink>>(const Patience&)> open;
  std::function<std::uint64_t()> durable;        // the last durable commit; from any thread
  std::function<void(const FollowerNews&)> say;  // from the follower's thread
  FollowerPatience patience = {};
};

class SpoolFollower {
 public:
  // Reads the position, opens the sink. An error here is a mistake in what was asked for.
  [[nodiscard]] static Result<std::unique_ptr<SpoolFollower>> open(FollowerOptions options);
  SpoolFollower(const SpoolFollower&) = delete;
  SpoolFollower& operator=(const SpoolFollower&) = delete;
  ~SpoolFollower();

  void start();
  // Something new is durable.
  void wake() { wake_.notify_one(); }
  // The files have been moved away (logrotate): they are closed and made anew, between two batches.
  void reopen();
  // Writes what is durable, for as long as its patience says, and ends the thread. Several outputs
  // begin to end before the first is waited for.
  void begin_stop();
  void stop();
  // Events below it are where they belong, for certain: what the spool need not keep for this
  // output.
  [[nodiscard]] std::uint64_t position() const noexcept {
    return position_.load(std::memory_order_acquire);
  }

 private:
  using Clock = std::chrono::steady_clock;

  explicit SpoolFollower(FollowerOptions options) : options_(std::move(options)) {}
  Result<void> open_sink();
  void run();
  void wait_to_try_again(std::unique_lock<std::mutex>& lock);
  Result<void> round();
  Result<void> take(const SpoolBatch& batch);
  Result<void> save();
  void note(const Result<void>& done);

  FollowerOptions options_;
  std::filesystem::path position_path_;
  std::unique_ptr<Patience> waits_ = std::make_unique<Patience>();  // of the sink, for an answer
  std::unique_ptr<FollowedSink> sink_;
  std::optional<SpoolReader> reader_;
  std::optional<OutputPosition> saved_;
  std::uint64_t next_seq_ = 0;
  bool unsaved_ = false;
  AppendFile::Rest rest_ = AppendFile::Rest::there;  // doubtful: a sync has failed since
  Clock::time_point saved_at_{};
  Clock::duration try_again_ = std::chrono::seconds{1};
  std::string trouble_;
  std::atomic<std::uint64_t> position_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  bool reopen_ = false;
  std::optional<Clock::time_point> ends_;  // how long the rest may take
  std::thread thread_;                     // last: it uses all of the above
};

}  // namespace dpi
