#include "capture/interface/pci_devices.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "capture/interface/offloads.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

// A sysfs of its own.
class SysfsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("dpi-sysfs." + std::to_string(::getpid()));
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void file(const fs::path& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream{root_ / path} << text << "\n";
  }
  void device(const std::string& address, const std::string& device_class,
              const std::string& driver, const std::string& node) const {
    const fs::path folder = fs::path{"bus/pci/devices"} / address;
    file(folder / "class", device_class);
    file(folder / "numa_node", node);
    if (!driver.empty()) fs::create_symlink("../../drivers/" + driver, root_ / folder / "driver");
  }
  fs::path root_;
};

TEST_F(SysfsTest, ListsNetworkDevicesWithTheirDrivers) {
  device("0000:3b:00.1", "0x020000", "vfio-pci", "1");
  device("0000:3b:00.0", "0x020000", "ixgbe", "-1");
  device("0000:00:1f.0", "0x060100", "", "0");
  device("0000:5e:00.0", "0x028000", "", "");
  const auto devices = list_pci_network_devices(root_);
  ASSERT_EQ(devices.size(), 3U);
  EXPECT_EQ(devices[0].address, "0000:3b:00.0");
  EXPECT_EQ(devices[0].driver, "ixgbe");
  EXPECT_EQ(devices[0].numa_node, -1);
  EXPECT_FALSE(devices[0].bound_for_dpdk);
  EXPECT_TRUE(devices[1].bound_for_dpdk);
  EXPECT_EQ(devices[1].numa_node, 1);
  EXPECT_EQ(devices[2].driver, "");
}

TEST_F(SysfsTest, ListsReservedHugePages) {
  file("kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "4");
  file("kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "3");
  file("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512");
  file("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "512");
  file("kernel/mm/hugepages/hugepages-64kB/nr_hugepages", "0");
  const auto pages = list_huge_pages(root_);
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[0].page_kib, 2048U);
  EXPECT_EQ(pages[1].free, 3U);
}

TEST_F(SysfsTest, NothingThereIsNoError) {
  EXPECT_TRUE(list_pci_network_devices(root_ / "none").empty());
  EXPECT_TRUE(list_huge_pages(root_ / "none").empty());
}

TEST(EthtoolRemedyTest, NamesOnlyWhatFalsifies) {
  CardFacts facts;
  EXPECT_EQ(ethtool_remedy("eth0", facts, true), "");
  facts.tso = true;
  EXPECT_EQ(ethtool_remedy("eth0", facts, false), "") << "a mirror port sends nothing";
  EXPECT_EQ(ethtool_remedy("eth0", facts, true), "ethtool -K eth0 tso off");
  facts.gro = facts.lro = true;
  EXPECT_EQ(ethtool_remedy("eth0", facts, false), "ethtool -K eth0 gro off lro off");
}

TEST(CardFactsTest, InterfaceThatDoesNotExistHasNone) {
  const CardFacts facts = interface_facts("no-such-thing");
  EXPECT_EQ(facts.driver, "");
  EXPECT_FALSE(facts.gro);
}

}  // namespace
}  // namespace dpi
