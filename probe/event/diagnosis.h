// Why a probe calls itself degraded: what its counters say about itself and about the mirror that
// feeds it. The database draws its own conclusions from the same heartbeats.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "probe/event/heartbeat.h"

namespace dpi {

namespace threshold {
// A ratio holds when part × denominator > whole × numerator.
struct Ratio {
  std::uint64_t numerator;
  std::uint64_t denominator;
};
inline constexpr Ratio drops{1, 1000};
inline constexpr Ratio inferred_loss{1, 100};
inline constexpr Ratio one_way{50, 100};
inline constexpr Ratio duplicates{10, 100};
inline constexpr Ratio one_sided_vlan{10, 100};
inline constexpr Ratio truncated{1, 100};
inline constexpr Ratio bad_checksums{1, 100};
inline constexpr Ratio out_of_order{5, 100};
inline constexpr Ratio offloaded{1, 100};
inline constexpr Ratio spool_filling{50, 100};
inline constexpr Ratio spool_full{95, 100};
inline constexpr Ratio queue_waiting{75, 100};

// Below these there is too little to judge.
inline constexpr std::uint64_t tcp_flows_min = 50;
inline constexpr std::uint64_t tcp_acks_min = 1000;
inline constexpr std::uint64_t acked_bytes_min = 1'000'000;
inline constexpr std::uint64_t packets_min = 1000;
inline constexpr std::uint64_t flows_min = 50;

inline constexpr std::uint64_t unsigned_ms_max = 60'000;
inline constexpr std::int64_t clock_offset_us_max = 100'000;
inline constexpr std::uint64_t no_traffic_ms = 60'000;
inline constexpr std::uint64_t database_lag_ms_max = 30'000;  // age of the oldest unacked event
}  // namespace threshold

// What changed between two heartbeats of one chain, names of probe/event/reason.h, sorted and
// unique. For the first heartbeat previous is HeartbeatFacts{}. Pure; facts that are absent prove
// nothing.
[[nodiscard]] std::vector<std::string_view> diagnose(const HeartbeatFacts& previous,
                                                     const HeartbeatFacts& current);

}  // namespace dpi
