// What a network driver does to packets before capture sees them, and what else ethtool tells.
// Reading needs no privilege.
#pragma once

#include <cstdint>
#include <string>

namespace dpi {

struct CardFacts {
  std::string driver;             // empty: unknown
  std::string bus;                // PCI address, where it has one
  std::int64_t speed_mbit_s = 0;  // 0: unknown
  std::uint32_t rx_channels = 0;  // hardware queues in use; 0: unknown
  std::uint32_t rx_ring = 0;      // receive descriptors, in use and at most; 0: unknown
  std::uint32_t rx_ring_max = 0;
  // Offloads that are on. GRO and LRO merge received packets. TSO and GSO leave segmentation to
  // the device, so what this host itself sends (also over veth or lo) is seen unsegmented.
  bool gro = false;
  bool lro = false;
  bool tso = false;
  bool gso = false;
};

// What the driver doesn't answer stays at its default.
[[nodiscard]] CardFacts interface_facts(const std::string& interface_name);

// The command that turns off what falsifies captured lengths; empty when nothing does.
// sends: the host's own traffic is captured too.
[[nodiscard]] std::string ethtool_remedy(const std::string& interface_name, const CardFacts& facts,
                                         bool sends);

}  // namespace dpi
