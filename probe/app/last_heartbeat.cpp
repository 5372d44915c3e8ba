#include "probe/app/last_heartbeat.h"

#include <algorithm>
#include <map>

#include "probe/envelope/envelope.h"
#include "probe/event/heartbeat_totals.h"
#include "probe/spec/value.h"
#include "probe/spool/spool_reader.h"

namespace dpi {
namespace {

constexpr std::uint64_t events_searched = 200'000;

std::uint64_t number_of(const spec::Value& object, std::string_view name) {
  const spec::Value* const value = object.find(name);
  if (value == nullptr || value->kind != spec::Value::Kind::integer || value->number < 0) return 0;
  return static_cast<std::uint64_t>(value->number);
}

class TotalsReader {
 public:
  explicit TotalsReader(std::deque<std::string>& names) : names_(names) {}

  HeartbeatFacts read(const spec::Value& payload) {
    HeartbeatFacts out;
    out.heartbeat_number = number_of(payload, "heartbeat_number");
    for (const TotalMember& member : total_members())
      out.*member.total = number_of(payload, member.name);
    for (const InferredTotalMember& member : inferred_total_members())
      out.inference.*member.total = number_of(payload, member.name);
    if (payload.find("checksum_bad") != nullptr)
      out.inference.checksum_bad = number_of(payload, "checksum_bad");
    each(payload, "anomalies", [&](const spec::Value& item) {
      for (std::size_t i = 0; i < anomaly_count; ++i) {
        if (anomaly_name(static_cast<Anomaly>(i)) == text(item, "name"))
          out.anomalies.counts[i] = number_of(item, "count");
      }
    });
    each(payload, "interfaces", [&](const spec::Value& item) {
      InterfaceFacts interface;
      interface.name = text(item, "name");
      interface.kind = text(item, "kind");
      for (const InterfaceTotalMember& member : interface_total_members())
        interface.*member.total = number_of(item, member.name);
      out.interfaces.push_back(std::move(interface));
    });
    each(payload, "losses", [&](const spec::Value& item) {
      out.losses.push_back({text(item, "cause"), number_of(item, "packets"),
                            number_of(item, "bytes"), number_of(item, "events")});
    });
    each(payload, "events", [&](const spec::Value& item) {
      out.events.push_back(
          {text(item, "event_type"), number_of(item, "sealed"), number_of(item, "shed")});
    });
    return out;
  }

  // Sealed behind that heartbeat, itself included, by a run that did not live to count it.
  void add_sealed(HeartbeatFacts& totals, const std::string& event_type, std::uint64_t count) {
    of_type(totals, names_.emplace_back(event_type)).sealed += count;
  }
  void add_loss(HeartbeatFacts& totals, const spec::Value& loss_report) {
    const std::string_view cause = text(loss_report, "cause");
    const std::uint64_t packets = number_of(loss_report, "packets");
    totals.packets_offered += packets;
    if (cause == "kernel") totals.packets_dropped_kernel += packets;
    if (cause == "nic") totals.packets_dropped_nic += packets;
    if (cause == "no_buffer") totals.packets_dropped_no_buffer += packets;
    if (cause == "worker_ring") totals.packets_shed += packets;
    std::uint64_t shed = 0;
    each(loss_report, "events", [&](const spec::Value& item) {
      const std::uint64_t count = number_of(item, "count");
      of_type(totals, text(item, "event_type")).shed += count;
      shed += count;
    });
    totals.events_shed += shed;
    auto place = std::find_if(totals.losses.begin(), totals.losses.end(),
                              [&](const LossFacts& loss) { return loss.cause == cause; });
    if (place == totals.losses.end())
      place = totals.losses.insert(place, {.cause = cause, .packets = 0, .bytes = 0, .events = 0});
    place->packets += packets;
    place->bytes += number_of(loss_report, "bytes");
    place->events += shed;
  }

 private:
  static EventTypeFacts& of_type(HeartbeatFacts& totals, std::string_view event_type) {
    const auto place =
        std::find_if(totals.events.begin(), totals.events.end(),
                     [&](const EventTypeFacts& type) { return type.event_type == event_type; });
    if (place != totals.events.end()) return *place;
    totals.events.push_back({event_type, 0, 0});
    return totals.events.back();
  }
  // Names in a payload are what the probe wrote: ASCII without escapes.
  std::string_view text(const spec::Value& object, std::string_view name) {
    const spec::Value* const value = object.find(name);
    return names_.emplace_back(value == nullptr ? "" : value->text);
  }
  template <class Do>
  static void each(const spec::Value& payload, std::string_view name, Do act) {
    const spec::Value* const list = payload.find(name);
    if (list == nullptr) return;
    for (const spec::Value& item : list->items) act(item);
  }

  std::deque<std::string>& names_;
};

}  // namespace

Result<LastRunFound> find_last_run(const LiveSink& sink, const std::filesystem::path& spool) {
  LastRunFound out;
  out.run.recovered_bytes_cut = sink.recovered_bytes_cut();
  if (!sink.recovered()) return out;
  auto reader = SpoolReader::open(spool);
  if (!reader) return tl::unexpected(reader.error());
  const std::uint64_t end = sink.recovered()->head.tree.size();
  const std::uint64_t from = end - std::min(end, events_searched);
  if (from > reader->next_seq()) {
    if (auto sought = reader->seek(from); !sought) return tl::unexpected(sought.error());
  }
  std::string heartbeat;
  std::map<std::string, std::uint64_t> sealed_since;
  std::vector<std::string> losses_since;
  for (;;) {
    const auto batch = reader->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    for (const SpoolRecord& record : (*batch)->records) {
      const auto envelope = parse_envelope(as_text(record.envelope));
      if (!envelope) continue;
      out.run.clean_shutdown = envelope->event_type == "probe.stop";
      out.run.last_emitted_at = envelope->emitted_at;
      out.machine = envelope->identity.machine;
      if (envelope->event_type == "health.heartbeat") {
        heartbeat = as_text(record.payload);
        out.run.heartbeat_seq = envelope->seq;
        sealed_since.clear();
        losses_since.clear();
      } else if (envelope->event_type == "loss.report") {
        losses_since.emplace_back(as_text(record.payload));
      }
      ++sealed_since[envelope->event_type];
    }
  }
  for (const SpoolDamage& damage : reader->damage()) out.damage.push_back(damage.what);
  const auto payload = spec::parse_json(heartbeat);
  if (!payload) return out;
  TotalsReader reader_of(out.names);
  out.run.totals = reader_of.read(*payload);
  for (const auto& [event_type, count] : sealed_since)
    reader_of.add_sealed(*out.run.totals, event_type, count);
  for (const std::string& loss : losses_since) {
    if (const auto told = spec::parse_json(loss)) reader_of.add_loss(*out.run.totals, *told);
  }
  return out;
}

}  // namespace dpi
