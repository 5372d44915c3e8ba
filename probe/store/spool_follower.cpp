#include "probe/store/spool_follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "probe/base/check.h"
#include "probe/store/spool_state.h"

namespace dpi {
namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 200ms;  // as often as a checkpoint, when nobody wakes it
constexpr auto save_every = 1s;
constexpr Patience::Clock::duration first_try_again = 1s;

}  // namespace

Result<std::unique_ptr<SpoolFollower>> SpoolFollower::open(FollowerOptions options) {
  std::unique_ptr<SpoolFollower> out(new SpoolFollower(std::move(options)));
  out->next_seq_ = out->options_.begin;
  if (out->options_.positioned) {
    out->position_path_ = position_path(out->options_.spool, out->options_.output);
    const auto position = read_position(out->position_path_);
    if (!position) {  // an output stops no sensor
      out->options_.say({FollowerNews::Kind::gap,
                         fmt::format("{}; {} goes on with event {}", position.error().what,
                                     out->options_.output, out->options_.begin)});
    } else if (*position && (*position)->next_seq <= out->options_.begin) {
      out->saved_ = **position;  // a spool that was begun anew has not come as far
    }
  }
  if (auto opened = out->open_sink(); !opened) return tl::unexpected(opened.error());
  if (auto saved = out->save(); !saved) return tl::unexpected(saved.error());
  return out;
}

// Goes on from what was saved last.
Result<void> SpoolFollower::open_sink() {
  auto sink = options_.open(*waits_);
  if (!sink) return tl::unexpected(sink.error());
  sink_ = std::move(*sink);
  if (saved_) next_seq_ = saved_->next_seq;
  return sink_->resume(saved_.value_or(OutputPosition{.next_seq = next_seq_, .files = {}}), rest_);
}

SpoolFollower::~SpoolFollower() {
  stop();
}

void SpoolFollower::start() {
  thread_ = std::thread([this] { run(); });
}

void SpoolFollower::reopen() {
  const std::lock_guard lock(mutex_);
  reopen_ = true;
  wake_.notify_one();
}

void SpoolFollower::begin_stop() {
  const std::lock_guard lock(mutex_);
  if (ends_) return;
  ends_ = Clock::now() + options_.patience.ending;
  waits_->end_at(*ends_);
  wake_.notify_one();
}

void SpoolFollower::stop() {
  if (!thread_.joinable()) return;
  begin_stop();
  thread_.join();
}

void SpoolFollower::run() {
  for (;;) {
    // Asked before: what became durable in the meantime is taken in another round.
    const bool ending = [this] {
      const std::lock_guard lock(mutex_);
      return ends_.has_value();
    }();
    const auto done = round();
    note(done);
    if (ending && done) break;
    std::unique_lock lock(mutex_);
    if (ends_ && Clock::now() >= *ends_) break;
    if (!done) {
      wait_to_try_again(lock);
    } else if (!reopen_ && !ends_) {
      wake_.wait_for(lock, look_every);
    }
  }
  if (sink_ == nullptr) return;
  auto closed = save();
  if (closed) closed = sink_->settle();
  if (closed) closed = save();
  if (closed) closed = sink_->finish();
  note(closed);
}

// What is new does not hasten it: an output that is away is asked as often as it says.
void SpoolFollower::wait_to_try_again(std::unique_lock<std::mutex>& lock) {
  if (ends_) {
    wake_.wait_for(lock, look_every);
    return;
  }
  const auto until = Clock::now() + try_again_;
  wake_.wait_until(lock, until, [&] { return ends_.has_value() || Clock::now() >= until; });
  try_again_ = std::min(try_again_ * 2, options_.patience.try_again_max);
}

// Everything that is durable now.
Result<void> SpoolFollower::round() {
  if (sink_ == nullptr) {
    if (auto opened = open_sink(); !opened) return opened;
  }
  const bool again = [this] {
    const std::lock_guard lock(mutex_);
    return std::exchange(reopen_, false);
  }();
  if (again) {
    if (auto reopened = sink_->reopen(); !reopened) return reopened;
    if (auto saved = save(); !saved) return saved;
  }
  const std::uint64_t durable = options_.durable();
  if (!reader_ && durable > 0) {
    auto reader = SpoolReader::open(options_.spool);
    if (!reader) return tl::unexpected(reader.error());
    if (auto sought = reader->seek(next_seq_); !sought) return sought;
    reader_ = std::move(*reader);
  }
  while (reader_) {
    const auto batch = reader_->next(durable);
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    if (auto taken = take(**batch); !taken) return taken;
    if (Clock::now() - saved_at_ < save_every) continue;
    if (auto saved = save(); !saved) return saved;
  }
  const bool time_to_save = unsaved_ && Clock::now() - saved_at_ >= save_every;
  return time_to_save ? save() : Result<void>{};
}

Result<void> SpoolFollower::take(const SpoolBatch& batch) {
  if (batch.next_seq <= next_seq_) return {};
  if (batch.first_seq > next_seq_) {
    options_.say({FollowerNews::Kind::gap,
                  fmt::format("{}: events {} to {} are no longer in the spool, or damaged there; "
                              "the chain's other copies have them",
                              options_.output, next_seq_, batch.first_seq - 1)});
  }
  for (const SpoolRecord& record : batch.records) {
    if (record.seq < next_seq_) continue;
    if (auto put = sink_->event(record.seq, as_text(record.envelope), as_text(record.payload));
        !put)
      return put;
  }
  next_seq_ = batch.next_seq;
  unsaved_ = true;
  if (batch.whole) {
    const auto state = decode_spool_state(batch.state);
    if (state) {
      if (auto put = sink_->checkpoint(state->note, state->head); !put) return put;
    }
  }
  return sink_->flush();
}

// The events first, then how far they are.
Result<void> SpoolFollower::save() {
  auto now = sink_->sync(next_seq_);
  if (!now) {
    rest_ = AppendFile::Rest::doubtful;
    return tl::unexpected(now.error());
  }
  saved_at_ = Clock::now();
  unsaved_ = now->next_seq < next_seq_;
  rest_ = AppendFile::Rest::there;
  if (saved_ == *now) {
    position_.store(now->next_seq, std::memory_order_release);
    return {};
  }
  if (options_.positioned) {
    if (auto wrote = write_position(posix_storage(), position_path_, options_.output, *now); !wrote)
      return wrote;
  }
  saved_ = std::move(*now);
  try_again_ = first_try_again;
  position_.store(saved_->next_seq, std::memory_order_release);
  return {};
}

void SpoolFollower::note(const Result<void>& done) {
  if (done) {
    if (trouble_.empty()) return;
    trouble_.clear();
    options_.say({FollowerNews::Kind::works, options_.output + ": written again"});
    return;
  }
  // From the disk on: what was put and not written is read again.
  sink_.reset();
  reader_.reset();
  if (trouble_ == done.error().what) return;
  trouble_ = done.error().what;
  options_.say({FollowerNews::Kind::failed, trouble_});
}

}  // namespace dpi
