#include "probe/app/live_side.h"

#include <sys/timex.h>

#include <algorithm>
#include <fstream>

#include "probe/base/clock.h"
#include "probe/service/log.h"

namespace dpi {
namespace {

// What the kernel knows of its clock's quality (adjtimex(2)); nothing is set.
void describe_clock(HeartbeatFacts& facts) noexcept {
  timex clock{};
  const int state = ::adjtimex(&clock);
  if (state < 0) return;
  const bool nanoseconds = (static_cast<unsigned>(clock.status) & unsigned{STA_NANO}) != 0;
  facts.clock_offset_us = nanoseconds ? clock.offset / 1000 : clock.offset;
  facts.clock_max_error_us = static_cast<std::uint64_t>(std::max<long>(clock.maxerror, 0));
  facts.clock_synced = state != TIME_ERROR;
}

CommitFacts::Latency latency_of(std::vector<std::uint64_t> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](std::size_t percent) {
    return times[std::min(times.size() - 1, times.size() * percent / 100)];
  };
  return {.p50_us = at(50), .p99_us = at(99), .max_us = times.back()};
}

}  // namespace

MachineSide::MachineSide(LiveSink& chain, std::uint64_t spool_cap_bytes)
    : chain_(chain), spool_cap_bytes_(spool_cap_bytes), started_us_(boot_time_us()) {}

void MachineSide::watch(DataPath& path, std::vector<WatchedSource> sources, std::uint64_t workers) {
  path_ = &path;
  sources_ = std::move(sources);
  workers_ = workers;
}

SealTime MachineSide::seal_time() {
  return {.emitted_at = wall_clock_now(), .mono_us = boot_time_us()};
}

void MachineSide::describe(HeartbeatFacts& facts, std::span<const FrontStats> fronts) {
  facts.uptime_ms = (boot_time_us() - started_us_) / 1000;
  describe_clock(facts);
  describe_spool(facts);
  describe_interfaces(facts, fronts);
  if (path_ == nullptr) return;
  const DataPath::Waiting waiting = path_->take_waiting_max();
  facts.queues = QueueFacts{.work_batches_waiting_max = waiting.work,
                            .work_batches_capacity = waiting.work_capacity,
                            .fact_batches_waiting_max = waiting.facts,
                            .fact_batches_capacity = waiting.facts_capacity};
  facts.workers = workers_;
}

StoredEvents MachineSide::stored() {
  const LiveSink::Stored stored = chain_.stored();
  StoredEvents out;
  out.durable_seq = stored.durable_seq;
  out.durable_at_us = stored.durable_at_us;
  out.disk_ok = stored.disk_ok;
  if (!stored.shipping) return out;
  out.acked_seq = stored.shipping->acked_seq;
  out.acked_at_us = stored.shipping->acked_at_us;
  out.database_ok = stored.shipping->connected;
  return out;
}

// One line when the disk or the database begins to refuse, says something else, or is well again.
void MachineSide::say_trouble(const std::string& trouble) {
  if (trouble == trouble_) return;
  if (trouble.empty()) {
    log_state({.level = LogLevel::notice,
               .event = "storing",
               .message = "disk and database take events again"});
  } else {
    log_state({.level = LogLevel::error, .event = "not_storing", .message = trouble});
  }
  trouble_ = trouble;
}

void MachineSide::describe_spool(HeartbeatFacts& facts) {
  const LiveSinkStats stats = chain_.stats();
  say_trouble(stats.trouble);
  for (const std::string& damage : chain_.take_damage()) say_damage(damage);
  facts.commit = CommitFacts{
      .commits = stats.commits, .commit_errors = stats.commit_errors, .latency = std::nullopt};
  if (auto times = chain_.take_commit_times(); !times.empty())
    facts.commit->latency = latency_of(std::move(times));
  facts.spool = SpoolFacts{.bytes = stats.spool_bytes,
                           .cap_bytes = spool_cap_bytes_,
                           .unacked_events = 0,
                           .oldest_unacked_ms = std::nullopt,
                           .quarantined = stats.quarantined};
  if (!stats.shipping) return;
  const ShippingStats& shipping = *stats.shipping;
  const std::uint64_t unacked = stats.durable_seq - std::min(stats.durable_seq, shipping.acked_seq);
  facts.spool->unacked_events = unacked;
  if (stats.oldest_unacked_us) facts.spool->oldest_unacked_ms = *stats.oldest_unacked_us / 1000;
  facts.database = DatabaseFacts{.connected = shipping.connected,
                                 .lag_events = unacked,
                                 .last_ack_at = std::nullopt,
                                 .retries = shipping.attempts_again,
                                 .errors = shipping.attempts_failed,
                                 .refused = shipping.attempts_refused};
  if (shipping.last_ack_wall_ns > 0)
    facts.database->last_ack_at = timestamp(shipping.last_ack_wall_ns);
}

// The sockets of one interface are one interface.
void MachineSide::describe_interfaces(HeartbeatFacts& facts,
                                      std::span<const FrontStats> fronts) const {
  for (std::size_t f = 0; f < sources_.size() && f < fronts.size(); ++f) {
    const auto same = [&](const InterfaceFacts& i) { return i.name == sources_[f].interface; };
    auto place = std::find_if(facts.interfaces.begin(), facts.interfaces.end(), same);
    if (place == facts.interfaces.end()) {
      place = facts.interfaces.insert(facts.interfaces.end(), InterfaceFacts{});
      place->name = sources_[f].interface;
      place->kind = sources_[f].kind;
      place->link_up = true;
      place->promiscuous = sources_[f].promiscuous;
    }
    const FrontStats& front = fronts[f];
    place->packets += front.packets.offered;
    place->bytes += front.packets.bytes_offered;
    place->dropped_kernel += front.source.dropped_kernel;
    place->dropped_nic += front.source.dropped_nic;
    place->dropped_no_buffer += front.source.dropped_no_buffer;
    place->ring_freezes += front.source.ring_freezes;
    place->coalesced += front.source.coalesced;
    place->checksum_partial += front.source.checksum_partial;
    place->reopened += front.source.reopened;
    place->malformed += front.packets.malformed;
    place->truncated += front.packets.truncated;
    if (front.source.link_down) place->link_up = false;
    place->last_packet_at = std::max(place->last_packet_at, front.packets.last_packet_at);
  }
}

void say_damage(const std::string& damage) {
  log_state({.level = LogLevel::error, .event = "spool_damaged", .message = damage});
}

Result<Uuid> boot_id() {
  constexpr const char* path = "/proc/sys/kernel/random/boot_id";
  std::ifstream file(path);
  std::string text;
  file >> text;
  const auto id = parse_uuid(text);
  if (!id) return fail(Errc::failure, std::string{path} + ": no boot id; is /proc mounted?");
  return *id;
}

}  // namespace dpi
