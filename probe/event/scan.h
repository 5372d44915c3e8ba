// Flows of one packet each that are told together: what a scan or a flood leaves in the chain.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/ip_address.h"
#include "probe/base/time.h"

namespace dpi {

// What the flows have in common.
enum class ScanKind : std::uint8_t {
  source,  // who sent them: a scan, a worm
  target,  // the address they went to: a flood with made-up senders
  any,     // nothing: both made up
};
[[nodiscard]] std::string_view scan_kind_name(ScanKind kind) noexcept;

struct ScanFacts {
  static constexpr std::size_t samples_max = 16;
  struct Sample {
    IpAddress address;
    std::uint16_t port = 0;  // 0: none
    bool operator==(const Sample&) const = default;
  };

  ScanKind kind = ScanKind::source;
  std::uint8_t protocol = 0;
  IpAddress who{};  // of a source or target
  Timestamp first_at{};
  Timestamp last_at{};
  std::uint64_t flows = 0;  // each of one packet
  std::uint64_t ip_bytes = 0;
  std::vector<Sample> samples;  // the first ones: targets; of a target, its senders
};
// `dpi.scan` v1 (docs/events.md).
void append_scan_payload(std::string& out, const ScanFacts& facts);

}  // namespace dpi
