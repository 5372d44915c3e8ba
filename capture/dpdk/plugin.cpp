// The table of functions that the probe finds in this plugin (plugin_abi.h).
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "capture/dpdk/eal.h"
#include "capture/dpdk/plugin_abi.h"
#include "capture/dpdk/port.h"

namespace dpi {
namespace {

// A process has one environment layer and so one session.
struct Session {
  bool started = false;
  std::vector<Port> ports;
};

Session& session() {
  static Session only;
  return only;
}

std::string start_session(const dpi_dpdk_options& options, std::vector<std::string>& notes) {
  if (session().started)
    return "DPDK was already started in this process, and it can be started only once";
  session().started = true;
  if (std::string error = start_eal(options, notes); !error.empty()) return error;
  std::uint64_t id = rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
  while (id < RTE_MAX_ETHPORTS) {
    session().ports.emplace_back(static_cast<std::uint16_t>(id));
    id = rte_eth_find_next_owned_by(static_cast<std::uint16_t>(id + 1), RTE_ETH_DEV_NO_OWNER);
  }
  // A device that cannot be opened does not fail the start.
  if (session().ports.empty()) {
    std::string said;
    for (const std::string& line : notes) said += (said.empty() ? "" : " / ") + line;
    return "DPDK found no port" + (said.empty() ? "" : " (" + said + ")") +
           "; bind a card to vfio-pci (docs/operations.md, DPDK) or name a device with --vdev";
  }
  OutputCapture capture;
  std::string error;
  for (Port& port : session().ports)
    if (error = port.start(options, notes); !error.empty()) break;
  for (std::string& line : telling_lines(capture.finish())) notes.push_back(std::move(line));
  if (!error.empty())
    for (const Port& port : session().ports) port.stop();
  return error;
}

int start(const dpi_dpdk_options* options, char* notes, char* error, std::size_t text_bytes) {
  std::vector<std::string> lines;
  const std::string failed = start_session(*options, lines);
  std::string joined;
  for (const std::string& line : lines) joined += line + "\n";
  std::snprintf(notes, text_bytes, "%s", joined.c_str());
  std::snprintf(error, text_bytes, "%s", failed.c_str());
  return failed.empty() ? 0 : -1;
}

std::uint32_t port_count() {
  return static_cast<std::uint32_t>(session().ports.size());
}

void port(std::uint32_t index, dpi_dpdk_port* out) {
  session().ports[index].describe(*out);
}

std::uint32_t receive(std::uint32_t index, std::uint32_t queue, dpi_dpdk_packet* out) {
  return session().ports[index].receive(static_cast<std::uint16_t>(queue), out);
}

void release(void** buffers, std::uint32_t count) {
  rte_mbuf* mbufs[DPI_DPDK_BURST_MAX];
  while (count > 0) {
    const std::uint32_t n = std::min(count, DPI_DPDK_BURST_MAX);
    for (std::uint32_t i = 0; i < n; ++i) mbufs[i] = static_cast<rte_mbuf*>(buffers[i]);
    rte_pktmbuf_free_bulk(mbufs, n);
    buffers += n;
    count -= n;
  }
}

void release_copy(void* copy) {
  std::free(copy);
}

void counters(std::uint32_t index, dpi_dpdk_counters* out) {
  session().ports[index].counters(*out);
}

void stop() {
  for (const Port& p : session().ports) p.stop();
  session().ports.clear();
}

}  // namespace
}  // namespace dpi

extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming)
__attribute__((visibility("default"))) extern const dpi_dpdk_plugin_table dpi_dpdk_plugin;
const dpi_dpdk_plugin_table dpi_dpdk_plugin = {
    DPI_DPDK_ABI_VERSION, dpi::start,        dpi::port_count, dpi::port, dpi::receive,
    dpi::release,         dpi::release_copy, dpi::counters,   dpi::stop,
};
}
