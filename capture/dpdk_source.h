// Live packets through DPDK. The probe needs none of it: the plugin that does is loaded when a DPDK
// source is opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "capture/packet_source.h"
#include "probe/base/result.h"

namespace dpi {

struct DpdkOptions {
  std::filesystem::path plugin;            // empty: searched for, see find_dpdk_plugin()
  std::vector<std::string> eal_arguments;  // e.g. "-a", "0000:3b:00.0", or "--vdev=net_pcap0,…"
  bool huge_pages = true;                  // false: for virtual devices and trials
  std::size_t queues = 1;                  // per port, 1–64
  std::size_t descriptors = 4096;          // of a queue, 64–32,768; the driver may adjust them
  std::size_t held_packets = 8192;         // per queue: most that batches may hold at a time
  std::size_t buffer_bytes = 2048;         // 512–16,384: a longer frame is copied
  std::size_t mtu_bytes = 0;               // 0: the driver's default
  bool promiscuous = true;
};

// One source per port and queue, ports in DPDK's order; the first source of a port has its drops.
// Errc::usage: options, no plugin, or a second time in one process; Errc::input: DPDK's reason with
// a remedy. Afterwards the calling thread has the CPU affinity it had before. No filter: the reader
// applies it.
[[nodiscard]] Result<std::vector<std::unique_ptr<PacketSource>>> open_dpdk(
    const DpdkOptions& options);

// libransomeye_dpdk.so in the folder of the running program, or in ../lib/ransomeye seen from
// there; empty when it is in neither.
[[nodiscard]] std::filesystem::path find_dpdk_plugin();

// Buffers of a port's pool: twice what its rings and batches hold, as 2^n − 1.
[[nodiscard]] std::size_t dpdk_pool_buffers(const DpdkOptions& options) noexcept;

}  // namespace dpi
