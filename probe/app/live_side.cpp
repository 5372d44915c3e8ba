#include "probe/app/live_side.h"

#include <fstream>

#include "probe/base/clock.h"

namespace dpi {

SealTime MachineSide::seal_time() {
  return {.emitted_at = wall_clock_now(), .mono_us = boot_time_us()};
}

void MachineSide::describe(HeartbeatFacts& facts, std::span<const FrontStats>) {
  for (const LiveSink* const sink : sinks_) {
    const LiveSinkStats stats = sink->stats();
    if (stats.commit_errors > 0 && !stats.trouble.empty()) facts.reasons.push_back("disk_error");
  }
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
