// One DPDK port: configured for capture, and its packets taken out.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <string>
#include <vector>

#include "capture/dpdk/plugin_abi.h"

namespace dpi {

class Port {
 public:
  explicit Port(std::uint16_t id) : id_(id) {}

  // Empty, or why it cannot capture and what to do. notes: what the user should know.
  std::string start(const dpi_dpdk_options& options, std::vector<std::string>& notes);
  void stop() const;

  std::uint32_t receive(std::uint16_t queue, dpi_dpdk_packet* out);
  void describe(dpi_dpdk_port& out) const;
  void counters(dpi_dpdk_counters& out) const;

 private:
  // How the driver's timestamps are to be read; drivers choose their unit.
  enum class Stamp : std::uint8_t { unknown, none, microseconds, nanoseconds };

  rte_eth_conf configuration(const dpi_dpdk_options& options, std::vector<std::string>& notes);
  std::string set_up_queues(const dpi_dpdk_options& options, std::uint16_t transmit_queues);
  std::int64_t time_of(const rte_mbuf& buffer, std::int64_t now_ns);

  std::uint16_t id_;
  std::string name_;
  rte_eth_dev_info info_{};
  std::uint8_t key_[64] = {};
  bool started_ = false;
  int stamp_offset_ = -1;
  std::uint64_t stamp_flag_ = 0;
  Stamp stamp_ = Stamp::unknown;
};

}  // namespace dpi
