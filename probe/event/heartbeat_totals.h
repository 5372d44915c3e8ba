// Counters of a heartbeat are cumulative since the chain began: a run goes on with the totals of
// the heartbeat before it.
#pragma once

#include <span>
#include <string_view>

#include "probe/event/heartbeat.h"

namespace dpi {

// One cumulative counter and the payload member that carries it.
struct TotalMember {
  std::string_view name;
  std::uint64_t HeartbeatFacts::*total;
};
struct InferredTotalMember {
  std::string_view name;
  std::uint64_t LossInference::*total;
};
struct InterfaceTotalMember {
  std::string_view name;
  std::uint64_t InterfaceFacts::*total;
};
[[nodiscard]] std::span<const TotalMember> total_members() noexcept;
[[nodiscard]] std::span<const InferredTotalMember> inferred_total_members() noexcept;
[[nodiscard]] std::span<const InterfaceTotalMember> interface_total_members() noexcept;

// Adds what was counted before; interfaces, losses and event types by their names. An interface
// that is no longer captured stays, with its link unknown.
void add_totals(HeartbeatFacts& facts, const HeartbeatFacts& before);

}  // namespace dpi
