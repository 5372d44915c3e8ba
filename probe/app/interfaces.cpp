#include "probe/app/interfaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture/dpdk_source.h"
#include "capture/interface/link_type.h"
#include "capture/interface/link_watcher.h"
#include "capture/interface/offloads.h"
#include "capture/interface/pci_devices.h"
#include "probe/app/report.h"

namespace dpi {
namespace {

struct Interface {
  LinkState link;
  CardFacts facts;
  bool capturable = false;
  std::string remedy;

  [[nodiscard]] const char* state() const {
    if (!link.up) return "down";
    return link.carrier ? "up" : "no carrier";
  }
  [[nodiscard]] std::uint32_t queues() const {
    return facts.rx_channels != 0 ? facts.rx_channels : link.rx_queues;
  }
  [[nodiscard]] std::string offloads() const {
    std::string names;
    const auto add = [&names](bool on, const char* name) {
      if (on) names += (names.empty() ? "" : ",") + std::string{name};
    };
    add(facts.gro, "gro");
    add(facts.lro, "lro");
    add(facts.tso, "tso");
    add(facts.gso, "gso");
    return names.empty() ? "-" : names;
  }
};

Result<std::vector<Interface>> look() {
  auto links = list_links();
  if (!links) return tl::unexpected(links.error());
  std::vector<Interface> interfaces;
  for (LinkState& link : *links) {
    Interface i;
    i.facts = interface_facts(link.name);
    i.capturable = link_type_of(link.hardware).has_value();
    i.remedy = ethtool_remedy(link.name, i.facts, link.loopback || i.facts.driver == "veth");
    i.link = std::move(link);
    interfaces.push_back(std::move(i));
  }
  return interfaces;
}

std::string speed_text(std::int64_t mbit_s) {
  if (mbit_s <= 0) return "-";
  return mbit_s % 1000 == 0 ? fmt::format("{}G", mbit_s / 1000) : fmt::format("{}M", mbit_s);
}

void print_interfaces(const std::vector<Interface>& interfaces) {
  fmt::print("AF_PACKET (needs CAP_NET_RAW)\n");
  fmt::print("  {:<15} {:<10} {:>6} {:>6} {:<12} {:>6}  {}\n", "INTERFACE", "LINK", "SPEED", "MTU",
             "DRIVER", "QUEUES", "OFFLOADS");
  for (const Interface& i : interfaces) {
    fmt::print("  {:<15} {:<10} {:>6} {:>6} {:<12} {:>6}  {}\n", i.link.name, i.state(),
               speed_text(i.facts.speed_mbit_s), i.link.mtu_bytes,
               i.facts.driver.empty() ? "-" : i.facts.driver.substr(0, 12), i.queues(),
               i.capturable ? i.offloads() : "cannot be captured");
    if (!i.capturable) continue;
    if (!i.link.up) fmt::print("    ip link set {} up\n", i.link.name);
    if (!i.remedy.empty()) fmt::print("    {}\n", i.remedy);
    if (i.facts.rx_ring != 0 && i.facts.rx_ring < i.facts.rx_ring_max)
      fmt::print("    ethtool -G {} rx {}    # now {}\n", i.link.name, i.facts.rx_ring_max,
                 i.facts.rx_ring);
  }
}

// What to do with a card: it is ready, the kernel uses it, or it can be bound.
std::string advice(const PciNetworkDevice& device, const std::vector<Interface>& interfaces) {
  if (device.bound_for_dpdk) return "ready: -a " + device.address;
  for (const Interface& i : interfaces)
    if (i.facts.bus == device.address && i.link.up) return "in use by the kernel as " + i.link.name;
  return "dpdk-devbind.py -b vfio-pci " + device.address;
}

void print_dpdk(const std::vector<Interface>& interfaces) {
  const auto plugin = find_dpdk_plugin();
  fmt::print("\nDPDK\n  plugin          {}\n",
             plugin.empty() ? "not installed (libransomeye_dpdk.so)" : plugin.string());
  const auto pages = list_huge_pages();
  if (pages.empty()) fmt::print("  huge pages      none reserved\n");
  for (const HugePages& p : pages)
    fmt::print("  huge pages      {} of {} free, {} KiB each\n", p.free, p.total, p.page_kib);
  const auto devices = list_pci_network_devices();
  if (devices.empty()) fmt::print("  cards           none on the PCI bus\n");
  for (const PciNetworkDevice& d : devices) {
    fmt::print("  {:<15} {:<16} {}\n", d.address, d.driver.empty() ? "no driver" : d.driver,
               advice(d, interfaces));
  }
}

// Interface names may hold anything but a slash and white space.
std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte > 0x7E) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void print_json(const std::vector<Interface>& interfaces) {
  std::vector<std::string> links;
  for (const Interface& i : interfaces) {
    links.push_back(fmt::format(
        R"({{"name":{},"capturable":{},"link":"{}","speed_mbit_s":{},"mtu_bytes":{},"driver":{},)"
        R"("bus":{},"rx_queues":{},"rx_ring":{},"rx_ring_max":{},"gro":{},"lro":{},"tso":{},)"
        R"("gso":{},"remedy":{}}})",
        json_text(i.link.name), i.capturable, i.state(), i.facts.speed_mbit_s, i.link.mtu_bytes,
        json_text(i.facts.driver), json_text(i.facts.bus), i.queues(), i.facts.rx_ring,
        i.facts.rx_ring_max, i.facts.gro, i.facts.lro, i.facts.tso, i.facts.gso,
        json_text(i.remedy)));
  }
  std::vector<std::string> devices;
  for (const PciNetworkDevice& d : list_pci_network_devices()) {
    devices.push_back(
        fmt::format(R"({{"address":{},"driver":{},"numa_node":{},"bound_for_dpdk":{}}})",
                    json_text(d.address), json_text(d.driver), d.numa_node, d.bound_for_dpdk));
  }
  std::vector<std::string> pages;
  for (const HugePages& p : list_huge_pages()) {
    pages.push_back(
        fmt::format(R"({{"page_kib":{},"total":{},"free":{}}})", p.page_kib, p.total, p.free));
  }
  fmt::print(R"({{"af_packet":[{}],"dpdk":{{"plugin":{},"huge_pages":[{}],"devices":[{}]}}}})"
             "\n",
             fmt::join(links, ","), json_text(find_dpdk_plugin().string()), fmt::join(pages, ","),
             fmt::join(devices, ","));
}

}  // namespace

int run_interfaces(const InterfacesOptions& options) {
  const auto interfaces = look();
  if (!interfaces) return report(interfaces.error());
  if (options.json) {
    print_json(*interfaces);
  } else {
    print_interfaces(*interfaces);
    print_dpdk(*interfaces);
  }
  return exit_done;
}

}  // namespace dpi
