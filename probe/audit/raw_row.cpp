#include "probe/audit/raw_row.h"

#include "probe/crypto/digest.h"

namespace dpi {
namespace {

std::string_view arrival(const Envelope& envelope, SqlTime observed_at, SqlTime ingested_at) {
  constexpr SqlTime second = 1'000'000, hour = 3600 * second;
  if (envelope.identity.mode == Mode::replay) return "replay";
  if (observed_at > ingested_at + 5 * second) return "ahead";
  if (observed_at < ingested_at - 720 * hour) return "old";
  if (observed_at < ingested_at - hour) return "late";
  return "on_time";
}

}  // namespace

void write_raw_row(ByteBuffer& out, const Envelope& envelope, std::string_view envelope_text,
                   std::string_view payload, const StoredAs& stored) {
  const SplitTime observed = split_time(envelope.observed_at);
  const SplitTime emitted = split_time(envelope.emitted_at);
  RowWriter to(out);
  to.begin(raw_columns);
  to.time(stored.ingested_at);
  to.bytes(envelope.identity.instance);
  to.int8(static_cast<std::int64_t>(envelope.seq));
  to.bytes(stored.tenant);
  to.bytes(envelope.identity.machine);
  to.bytes(envelope.event_id);
  to.bytes(envelope.identity.boot);
  to.time(observed.us);
  to.time(emitted.us);
  to.int8(static_cast<std::int64_t>(envelope.mono_us));
  to.int4(static_cast<std::int64_t>(envelope.payload_bytes));
  to.int4(envelope.event_version);
  to.int2(observed.ns);
  to.int2(emitted.ns);
  to.text(envelope.component);
  to.text(envelope.event_type);
  to.text(mode_name(envelope.identity.mode));
  to.text(envelope.identity.hostname);
  to.text(envelope.identity.version);
  to.text(arrival(envelope, observed.us, stored.ingested_at));
  to.bytes(envelope.payload_sha256);
  to.bytes(envelope.prev_hash);
  to.bytes(envelope_hash(envelope_text));
  to.text(envelope_text);
  to.text(payload);
}

}  // namespace dpi
