#include "probe/app/service_side.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "probe/base/clock.h"
#include "probe/service/log.h"

namespace dpi {

void ServiceSide::describe(HeartbeatFacts& facts, std::span<const FrontStats> fronts) {
  machine_.describe(facts, fronts);
  if (unsandboxed_) facts.reasons.emplace_back("unsandboxed");
}

void ServiceSide::told(const HeartbeatFacts& facts) {
  board_.publish(facts, boot_time_us() / 1000);
  std::string reasons = fmt::format("{}", fmt::join(facts.reasons, ","));
  if (reasons == reasons_said_) return;
  if (reasons.empty()) {
    log_state({.level = LogLevel::notice, .event = "healthy", .message = "healthy again"});
  } else {
    log_state({.level = LogLevel::warning,
               .event = "degraded",
               .message = "degraded: " + reasons,
               .fields = {{"reasons", reasons}}});
  }
  reasons_said_ = std::move(reasons);
}

}  // namespace dpi
