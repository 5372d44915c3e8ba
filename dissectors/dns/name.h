// Domain names with compression (RFC 1035 §4.1.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dissectors/anomaly.h"
#include "probe/base/bytes.h"

namespace dpi {

struct DnsNameResult {
  std::size_t next = 0;  // offset behind the name in the message
  std::optional<Anomaly> refused;
  std::size_t refused_at = 0;
  bool ran_out = false;  // refused because the message ends there
};

// Appends the name at `offset` as pct-text. Pointers only go backwards, at most 128; 255 bytes at
// most. `limit` is the end of what may be read without a pointer (end of RDATA or message).
DnsNameResult append_dns_name(std::string& out, Bytes message, std::size_t offset,
                              std::size_t limit);

}  // namespace dpi
