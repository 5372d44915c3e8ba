#include "probe/app/last_heartbeat.h"

#include <algorithm>

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

 private:
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
      if (envelope->event_type != "health.heartbeat") continue;
      heartbeat = as_text(record.payload);
      out.run.heartbeat_seq = envelope->seq;
    }
  }
  for (const SpoolDamage& damage : reader->damage()) out.damage.push_back(damage.what);
  if (const auto payload = spec::parse_json(heartbeat))
    out.run.totals = TotalsReader(out.names).read(*payload);
  return out;
}

}  // namespace dpi
