#include "probe/store/shipper.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "probe/envelope/envelope.h"
#include "probe/store/spool_state.h"

namespace dpi {

namespace {

// Between rounds a caller looks at what else there is to do.
constexpr std::chrono::milliseconds round_max{500};

}  // namespace

tl::unexpected<Error> Shipper::refuse(std::string what) {
  refused_ = true;
  return fail(Errc::sink, std::move(what));
}

tl::unexpected<Error> Shipper::failed(EventDatabase& database, const Error& error) {
  if (database.failed_for_good()) refused_ = true;
  return tl::unexpected(error);
}

Result<void> Shipper::connect() {
  auto connection = Postgres::connect(target_.conninfo, patience_);
  if (!connection) {
    if (connection.error().code == Errc::usage) refused_ = true;
    return tl::unexpected(connection.error());
  }
  EventDatabase database(std::move(*connection));
  if (auto set = database.prepare_session(); !set) return failed(database, set.error());
  if (auto served = database.require_contract(); !served) return failed(database, served.error());
  if (target_.replay) {
    if (auto enrolled = database.enrol_replay(target_.instance, target_.machine, target_.spki);
        !enrolled)
      return failed(database, enrolled.error());
  }
  const auto head = database.resume(target_.instance);
  if (!head) return failed(database, head.error());
  if (!*head) {
    return refuse(
        fmt::format("instance {} is not enrolled for this login: `ransomeye-dpi keys enrol`",
                    uuid_text(target_.instance)));
  }
  head_ = **head;
  acked_seq_ = std::min(acked_seq_, head_.next_seq);
  if (auto sought = seek_head(); !sought) return sought;
  database_.emplace(std::move(database));
  return {};
}

// To the batch with the database's last event, forth or back: it must be ours too. What is older
// than the spool is lost for good. A spool that ends before was lost, put back to an older state or
// copied: its newest batch is sent, so that the database sees by it whether the histories differ.
Result<void> Shipper::seek_head() {
  const std::uint64_t wanted = head_.next_seq - std::min<std::uint64_t>(head_.next_seq, 1);
  // A replay makes its chain again from the first event, and may not have come that far yet.
  if (target_.replay && wanted >= reader_.next_seq()) return {};
  if (reader_.seek(wanted)) return {};
  if (auto begin = reader_.seek_oldest(); !begin) return begin;
  if (reader_.next_seq() <= wanted) return reader_.seek_newest();
  oldest_kept_ = reader_.next_seq();
  return {};
}

// A batch that is sought again after a connection ended is not counted again.
void Shipper::count_known(const SpoolBatch& batch, std::uint64_t added) {
  const std::uint64_t end = batch.next_seq - added;
  report_.known += end - std::clamp(counted_seq_, std::min(batch.first_seq, end), end);
  counted_seq_ = std::max(counted_seq_, batch.next_seq);
}

bool Shipper::holds_head(const SpoolBatch& batch) const {
  return batch.first_seq < head_.next_seq && head_.next_seq <= batch.next_seq &&
         envelope_hash(as_text(batch.records[head_.next_seq - 1 - batch.first_seq].envelope)) ==
             head_.last_hash;
}

Result<void> Shipper::send(const SpoolBatch& batch) {
  if (holds_head(batch)) acked_seq_ = std::max(acked_seq_, head_.next_seq);
  const bool compared = batch.next_seq <= std::min(acked_seq_, head_.next_seq);
  // What a replay repeats is judged by the batch that holds the database's last event.
  if (compared || (target_.replay && batch.next_seq < head_.next_seq)) {
    count_known(batch, 0);
    return {};
  }
  const auto state = decode_spool_state(batch.state);
  if (!state) return refuse("the spool's commit record is unreadable");
  // The spool has nothing older: what lies between is nowhere any more.
  const bool lost_before = batch.first_seq > head_.next_seq && batch.first_seq == oldest_kept_;
  const auto answer = database_->ingest(target_.instance, batch, state->note, lost_before);
  if (!answer) return failed(*database_, answer.error());
  const std::uint64_t added =
      batch.next_seq - std::clamp(head_.next_seq, batch.first_seq, batch.next_seq);
  switch (answer->fate) {
    case IngestFate::stored:
      report_.stored += added;
      count_known(batch, added);
      break;
    case IngestFate::known:
      count_known(batch, 0);
      break;
    case IngestFate::ahead:
      if (std::exchange(sought_again_, true)) break;
      head_ = answer->head;
      return seek_head();
    case IngestFate::retry:
      return fail(Errc::sink,
                  fmt::format("the database takes no events today ({})", answer->status));
    case IngestFate::refused:
      break;
  }
  if (answer->fate == IngestFate::ahead || answer->fate == IngestFate::refused) {
    return refuse(fmt::format("the database refused events {}–{}: {}: {}{}", batch.first_seq,
                              batch.next_seq - 1, answer->status, answer->detail,
                              answer->status == "fork"
                                  ? "; two histories of one chain: this spool or its machine was "
                                    "copied or put back to an older state; set it aside and enrol "
                                    "a new instance"
                                  : ""));
  }
  sought_again_ = false;
  head_ = answer->head;
  // Of what has left the database nothing was compared.
  if (answer->status != "duplicate_archived") acked_seq_ = std::max(acked_seq_, batch.next_seq);
  return {};
}

Result<bool> Shipper::ship(std::uint64_t commit_max) {
  if (refused_) return fail(Errc::sink, "the database refused this chain before");
  if (!database_ || !database_->connection().alive()) {
    database_.reset();
    if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
  }
  const auto until = Patience::Clock::now() + round_max;
  do {
    const auto batch = reader_.next(commit_max);
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) return false;
    if ((*batch)->records.empty()) continue;
    if (auto sent = send(**batch); !sent) {
      // The next connection begins with the database's head again.
      database_.reset();
      return tl::unexpected(sent.error());
    }
  } while (Patience::Clock::now() < until);
  return true;
}

}  // namespace dpi
