#include "capture/interface/pci_devices.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>
#include <system_error>

namespace dpi {
namespace {

std::string first_line(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  auto at = std::filesystem::directory_iterator{folder, error};
  for (; !error && at != std::filesystem::directory_iterator{}; at.increment(error))
    found.push_back(at->path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::vector<PciNetworkDevice> list_pci_network_devices(const std::filesystem::path& sysfs) {
  // Class 02: network controller.
  constexpr std::string_view network = "0x02";
  std::vector<PciNetworkDevice> devices;
  for (const auto& folder : entries(sysfs / "bus/pci/devices")) {
    if (!first_line(folder / "class").starts_with(network)) continue;
    PciNetworkDevice device;
    device.address = folder.filename().string();
    std::error_code error;
    device.driver = std::filesystem::read_symlink(folder / "driver", error).filename().string();
    const std::string node = first_line(folder / "numa_node");
    if (!node.empty() && !node.starts_with('-'))
      device.numa_node = static_cast<int>(number_in(node));
    for (const char* driver : {"vfio-pci", "uio_pci_generic", "igb_uio"})
      device.bound_for_dpdk = device.bound_for_dpdk || device.driver == driver;
    devices.push_back(std::move(device));
  }
  return devices;
}

std::vector<HugePages> list_huge_pages(const std::filesystem::path& sysfs) {
  constexpr std::string_view prefix = "hugepages-";
  std::vector<HugePages> sizes;
  for (const auto& folder : entries(sysfs / "kernel/mm/hugepages")) {
    const std::string name = folder.filename().string();
    if (!name.starts_with(prefix)) continue;
    const HugePages pages{.page_kib = number_in(std::string_view{name}.substr(prefix.size())),
                          .total = number_in(first_line(folder / "nr_hugepages")),
                          .free = number_in(first_line(folder / "free_hugepages"))};
    if (pages.total > 0) sizes.push_back(pages);
  }
  std::sort(sizes.begin(), sizes.end(),
            [](const HugePages& a, const HugePages& b) { return a.page_kib < b.page_kib; });
  return sizes;
}

}  // namespace dpi
