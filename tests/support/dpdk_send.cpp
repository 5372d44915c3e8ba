// dpdk_send FILE.pcap EAL-ARGUMENT…: sends a capture file's packets through DPDK's first port once
// its link is up, and stays until it is ended. The other end of the tests with shared memory.
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "capture/file_source.h"

namespace {

constexpr std::uint16_t port = 0;
constexpr int attempts_max = 600'000;  // of 100 µs: a minute

void short_pause() {
  ::usleep(100);
}

bool start(int argc, char** argv) {
  std::vector<std::string> arguments{
      argv[0],          "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
      "--iova-mode=va", "-m",        "64",          "-l",       "0"};
  arguments.insert(arguments.end(), argv + 2, argv + argc);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  const int count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  rte_eth_conf conf{};
  if (rte_eal_init(count, pointers.data()) < 0 || rte_eth_dev_configure(port, 1, 1, &conf) != 0)
    return false;
  rte_mempool* const pool = rte_pktmbuf_pool_create("send", 4095, 0, 0, 4096, SOCKET_ID_ANY);
  return pool != nullptr && rte_eth_rx_queue_setup(port, 0, 256, 0, nullptr, pool) == 0 &&
         rte_eth_tx_queue_setup(port, 0, 256, 0, nullptr) == 0 && rte_eth_dev_start(port) == 0;
}

bool link_comes_up() {
  for (int i = 0; i < attempts_max; ++i) {
    rte_eth_link link{};
    if (rte_eth_link_get_nowait(port, &link) == 0 && link.link_status != 0) return true;
    short_pause();
  }
  return false;
}

bool send(dpi::Bytes frame) {
  rte_mbuf* buffer = rte_pktmbuf_alloc(rte_mempool_lookup("send"));
  if (buffer == nullptr) return false;
  char* const to = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.size()));
  if (to == nullptr) return false;
  std::memcpy(to, frame.data(), frame.size());
  for (int i = 0; i < attempts_max; ++i) {
    if (rte_eth_tx_burst(port, 0, &buffer, 1) == 1) return true;
    short_pause();
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || !start(argc, argv) || !link_comes_up()) return 1;
  auto file = dpi::open_file_source(argv[1]);
  if (!file) return 1;
  dpi::Batch batch;
  for (;;) {
    const auto state = (*file)->poll(batch, 64, std::chrono::milliseconds{0});
    if (!state) return 1;
    if (*state == dpi::SourceState::end) break;
    for (const dpi::RawPacket& packet : batch.packets())
      if (!send(packet.data)) return 1;
  }
  // The reader may be behind, and ending would take its memory away: until somebody ends it.
  for (;;) ::pause();
}
