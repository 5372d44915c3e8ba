// What rtnetlink says about a network interface (rtnetlink(7), RTM_NEWLINK and RTM_DELLINK).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "probe/base/bytes.h"

namespace dpi {

// Counters of the interface since it was made (struct rtnl_link_stats64).
struct LinkCounters {
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_dropped = 0;  // by the host, for whatever reason
  std::uint64_t rx_missed = 0;   // lost in the interface: no buffer
};

struct LinkState {
  int index = 0;
  std::string name;
  bool removed = false;
  bool up = false;       // set up by the administrator
  bool carrier = false;  // and there is a signal
  bool loopback = false;
  std::uint16_t hardware = 0;  // ARPHRD_
  std::uint32_t mtu_bytes = 0;
  std::uint32_t rx_queues = 0;
  bool has_counters = false;
  LinkCounters counters{};
};

// The links of one netlink datagram, in its order; what is no link or is cut short is left out.
[[nodiscard]] std::vector<LinkState> parse_link_messages(Bytes datagram);

}  // namespace dpi
