#include "probe/store/shipper.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/envelope/envelope.h"
#include "probe/store/spool_state.h"

namespace dpi {

tl::unexpected<Error> Shipper::refuse(std::string what) {
  refused_ = true;
  return fail(Errc::sink, std::move(what));
}

Result<void> Shipper::connect() {
  auto connection = Postgres::connect(target_.conninfo);
  if (!connection) return tl::unexpected(connection.error());
  EventDatabase database(std::move(*connection));
  if (auto served = database.require_contract(); !served) {
    if (database.connection().alive()) refused_ = true;
    return served;
  }
  if (target_.replay) {
    if (auto enrolled = database.enrol_replay(target_.instance, target_.machine, target_.spki);
        !enrolled) {
      if (database.connection().alive()) refused_ = true;
      return tl::unexpected(enrolled.error());
    }
  }
  const auto head = database.resume(target_.instance);
  if (!head) return tl::unexpected(head.error());
  if (!*head) {
    return refuse(
        fmt::format("instance {} is not enrolled for this login: `ransomeye-dpi keys enrol`",
                    uuid_text(target_.instance)));
  }
  head_ = **head;
  if (auto sought = seek_head(); !sought) return sought;
  database_.emplace(std::move(database));
  return {};
}

// A spool that has gone on for long need not be read from its beginning. One that does not reach
// the database's head was lost or put back to an older state: its chain has ended.
Result<void> Shipper::seek_head() {
  if (target_.replay || head_.next_seq <= reader_.next_seq()) return {};
  if (auto sought = reader_.seek(head_.next_seq - 1); sought) return {};
  return refuse(
      fmt::format("the database holds {} events of instance {} and this spool does not reach that "
                  "far: the spool was lost or "
                  "put back to an older state; set it aside and enrol a new instance",
                  head_.next_seq, uuid_text(target_.instance)));
}

Result<void> Shipper::send(const SpoolBatch& batch) {
  // The batch that holds the database's last event must be the one it knows.
  if (head_.next_seq > 0 && batch.first_seq < head_.next_seq && head_.next_seq <= batch.next_seq) {
    const SpoolRecord& last = batch.records[head_.next_seq - 1 - batch.first_seq];
    if (envelope_hash(as_text(last.envelope)) != head_.last_hash) {
      return refuse(fmt::format(
          "the database has another event {} of instance {}: two histories of one chain; nothing "
          "was sent",
          head_.next_seq - 1, uuid_text(target_.instance)));
    }
  }
  if (batch.next_seq <= head_.next_seq) {
    report_.known += batch.records.size();
    return {};
  }
  const auto state = decode_spool_state(batch.state);
  if (!state) return refuse("the spool's commit record is unreadable");
  const auto answer = database_->ingest(target_.instance, batch, state->note);
  if (!answer) return tl::unexpected(answer.error());
  const std::uint64_t before = head_.next_seq;
  switch (answer->fate) {
    case IngestFate::stored:
      report_.stored += batch.next_seq - std::max(before, batch.first_seq);
      report_.known += batch.records.size() - (batch.next_seq - std::max(before, batch.first_seq));
      break;
    case IngestFate::known:
      report_.known += batch.records.size();
      break;
    case IngestFate::retry:
      return fail(Errc::sink,
                  fmt::format("the database takes no events today ({})", answer->status));
    case IngestFate::refused:
      return refuse(fmt::format("the database refused events {}–{}: {}: {}", batch.first_seq,
                                batch.next_seq - 1, answer->status, answer->detail));
  }
  head_ = answer->head;
  return {};
}

Result<void> Shipper::ship(std::uint64_t commit_max) {
  if (refused_) return fail(Errc::sink, "the database refused this chain before");
  if (!database_ || !database_->connection().alive()) {
    database_.reset();
    if (auto connected = connect(); !connected) return connected;
  }
  for (;;) {
    const auto batch = reader_.next(commit_max);
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) return {};
    if ((*batch)->records.empty()) continue;
    const std::uint64_t first = (*batch)->first_seq;
    if (auto sent = send(**batch); !sent) {
      // The same batch again next time; whether it was stored is the database's head to say.
      database_.reset();
      if (auto back = reader_.seek(first); !back) return back;
      return sent;
    }
  }
}

}  // namespace dpi
