#include "probe/app/worker_deaths.h"

#include <fmt/format.h>

#include <cstring>

#include "probe/base/siphash.h"
#include "probe/event/payloads.h"
#include "probe/service/log.h"

namespace dpi {
namespace {

// The same flow has the same hash in every run.
std::uint64_t hash_of(const FlowKey& key) {
  ByteBuffer bytes;
  const auto put = [&](std::uint64_t value, unsigned count) {
    for (unsigned i = count; i-- > 0;) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  for (const Endpoint* const end : {&key.low, &key.high}) {
    const Bytes address = end->address.wire();
    bytes.insert(bytes.end(), address.begin(), address.end());
    put(end->port, 2);
  }
  put(key.protocol, 1);
  put(key.vlan, 8);
  put(key.tunnel, 8);
  return siphash({}, bytes);
}

}  // namespace

std::string cause_of(const WorkerDeath& death) {
  if (death.stuck) return "it made no progress";
  if (death.signal == 0) return "it ended by itself";
  return fmt::format("signal {} ({})", death.signal, ::strsignal(death.signal));
}

std::string WorkerDeaths::died(const WorkerDeath& death) {
  const bool of_a_packet = death.at == WorkerDeath::At::packet;
  WorkerCrashFacts facts{.worker = death.worker,
                         .signal = static_cast<std::uint64_t>(death.signal),
                         .uptime_ms = death.uptime_ms,
                         .flow_key_hash = of_a_packet ? hash_of(death.key) : 0};
  std::string aside = "no packet to set aside";
  if (of_a_packet && keeps_) {
    const auto kept = quarantine_.keep(death);
    if (kept) facts.quarantine_sha256 = kept->sha256;
    aside = kept ? "its packet is in " + kept->file.string() : kept.error().what;
  }
  log_state({.level = LogLevel::error,
             .event = "worker_died",
             .message = fmt::format("worker {} died after {} ms: {}; {}", death.worker,
                                    death.uptime_ms, cause_of(death), aside),
             .fields = {{"worker", std::to_string(death.worker)},
                        {"signal", death.stuck ? "stuck" : std::to_string(death.signal)}}});
  std::string payload;
  append_worker_crash_payload(payload, facts);
  return payload;
}

}  // namespace dpi
