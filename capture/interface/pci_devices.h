// Network cards as the PCI bus knows them, also those that no kernel driver shows as an interface.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dpi {

struct PciNetworkDevice {
  std::string address;  // 0000:3b:00.0
  std::string driver;   // bound driver; empty: none
  int numa_node = -1;   // -1: unknown or one node
  // Bound to a driver that gives the card to a program (vfio-pci, uio).
  bool bound_for_dpdk = false;
};

// By address. Empty where there is no PCI bus.
[[nodiscard]] std::vector<PciNetworkDevice> list_pci_network_devices(
    const std::filesystem::path& sysfs = "/sys");

struct HugePages {
  std::uint64_t page_kib = 0;
  std::uint64_t total = 0;
  std::uint64_t free = 0;
};

// Page sizes of which any are reserved, smallest first.
[[nodiscard]] std::vector<HugePages> list_huge_pages(const std::filesystem::path& sysfs = "/sys");

}  // namespace dpi
