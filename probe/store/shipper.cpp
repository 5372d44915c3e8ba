#include "probe/store/shipper.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "probe/envelope/canonical_writer.h"
#include "probe/store/head_comparison.h"
#include "probe/store/spool_state.h"

namespace dpi {

namespace {

// Between rounds a caller looks at what else there is to do.
constexpr std::chrono::milliseconds round_max{500};

}  // namespace

tl::unexpected<Error> Shipper::refuse(std::string what) {
  refused_ = Error{Errc::sink, std::move(what)};
  return tl::unexpected(*refused_);
}

tl::unexpected<Error> Shipper::refuse_for_good(std::string what) {
  for_good_ = true;
  return refuse(std::move(what));
}

tl::unexpected<Error> Shipper::refuse_batch(const SpoolBatch& batch, const IngestAnswer& answer) {
  return refuse_for_good(
      fmt::format("the database refused events {}–{}: {}: {}{}", batch.first_seq,
                  batch.next_seq - 1, answer.status, answer.detail,
                  answer.status == "fork"
                      ? "; two histories of one chain: this spool or its machine was copied or put "
                        "back to an older state; set it aside and enrol a new instance"
                      : ""));
}

tl::unexpected<Error> Shipper::failed(EventDatabase& database, const Error& error) {
  if (database.failed_for_good()) refused_ = error;
  return tl::unexpected(error);
}

Result<EventDatabase> Shipper::connect() {
  auto connection = Postgres::connect(target_.conninfo, patience_);
  if (!connection) {
    if (connection.error().code == Errc::usage) refused_ = connection.error();
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
  return database;
}

Result<void> Shipper::begin() {
  auto database = connect();
  if (!database) return tl::unexpected(database.error());
  if (auto sought = seek_head(*database); !sought) return sought;
  database_.emplace(std::move(*database));
  return {};
}

// To the batch with the database's last event, forth or back. Whether it is ours decides what is
// acknowledged: nothing that was compared with another database counts in this one.
Result<void> Shipper::seek_head(EventDatabase& database) {
  // A replay makes its chain again from the first event, and may not have come that far yet: what
  // it repeats is judged by the batch that holds the database's last event.
  if (target_.replay && head_.next_seq > reader_.next_seq()) return {};
  const auto found = compare_head(reader_, head_);
  if (!found) return tl::unexpected(found.error());
  covered_from_ = head_.next_seq;
  acked_seq_ = *found == HeadComparison::same ? head_.next_seq : 0;
  if (*found != HeadComparison::beyond_spool || target_.replay) return {};
  if (!target_.part) return spool_ends_before(database);
  const auto newest = reader_.next();
  return newest ? Result<void>{} : tl::unexpected(newest.error());
}

// It was lost, put back to an older state or copied. Its newest batch is sent, so that the database
// sees by it whether the histories differ already; else it is told.
Result<void> Shipper::spool_ends_before(EventDatabase& database) {
  const auto batch = reader_.next();
  if (!batch) return tl::unexpected(batch.error());
  const std::uint64_t end = reader_.next_seq();
  if (*batch && !(*batch)->records.empty()) {
    const auto answer = database.ingest(target_.instance, **batch, std::nullopt, false);
    if (!answer) return failed(database, answer.error());
    if (answer->fate == IngestFate::refused) return refuse_batch(**batch, *answer);
  }
  std::string statement;
  CanonicalWriter w(statement);
  w.begin_object();
  w.member("database_next_seq", head_.next_seq);
  w.member("refusal", "spool_behind");
  w.member("spool_next_seq", end);
  w.end_object();
  if (auto told = database.tell(target_.instance, head_, statement); !told)
    return failed(database, told.error());
  return refuse_for_good(fmt::format(
      "the database has {} events of this chain, the spool ends at {}: it was lost, put back to an "
      "older state or copied; set it aside and enrol a new instance",
      head_.next_seq, end));
}

// A batch that is sought again after a connection ended is not counted again.
void Shipper::count_known(const SpoolBatch& batch, std::uint64_t added) {
  const std::uint64_t end = batch.next_seq - added;
  report_.known += end - std::clamp(counted_seq_, std::min(batch.first_seq, end), end);
  counted_seq_ = std::max(counted_seq_, batch.next_seq);
}

Result<void> Shipper::send(const SpoolBatch& batch) {
  const bool compared = batch.next_seq <= std::min(acked_seq_, head_.next_seq);
  if (compared || (target_.replay && batch.next_seq < head_.next_seq)) {
    count_known(batch, 0);
    return {};
  }
  std::optional<std::string> note;
  if (!batch.state.empty()) {
    auto state = decode_spool_state(batch.state);
    if (!state) return refuse_for_good("the spool's commit record is unreadable");
    note = std::move(state->note);
  }
  // What lies between is nowhere any more: everything that the spool has was read since.
  const bool lost_before = batch.first_seq > head_.next_seq && head_.next_seq >= covered_from_;
  const auto answer = database_->ingest(target_.instance, batch, note, lost_before);
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
      if (std::exchange(sought_again_, true)) return refuse_batch(batch, *answer);
      head_ = answer->head;
      return seek_head(*database_);
    case IngestFate::retry:
      return fail(Errc::sink,
                  fmt::format("the database takes no events today ({})", answer->status));
    case IngestFate::refused:
      return refuse_batch(batch, *answer);
  }
  sought_again_ = false;
  head_ = answer->head;
  // Of what has left the database nothing was compared.
  if (answer->status != "duplicate_archived") acked_seq_ = std::max(acked_seq_, batch.next_seq);
  return {};
}

Result<void> Shipper::compare() {
  if (refused_) return tl::unexpected(*refused_);
  if (auto begun = begin(); !begun) return begun;
  // Only the database can keep both sides of a fork: it is shown the batch that differs.
  if (acked_seq_ < head_.next_seq) {
    const auto batch = reader_.next();
    if (!batch) return tl::unexpected(batch.error());
    if (*batch && (*batch)->first_seq < head_.next_seq) {
      if (auto sent = send(**batch); !sent) return sent;
    }
  }
  database_.reset();
  return {};
}

Result<void> Shipper::tell(std::string_view statement) {
  auto database = connect();
  if (!database) return tl::unexpected(database.error());
  return database->tell(target_.instance, head_, statement);
}

Result<bool> Shipper::ship(std::uint64_t commit_max) {
  if (refused_) return tl::unexpected(*refused_);
  if (!database_ || !database_->connection().alive()) {
    database_.reset();
    if (auto begun = begin(); !begun) return tl::unexpected(begun.error());
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
