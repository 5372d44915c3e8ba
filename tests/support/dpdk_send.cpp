// dpdk_send FILE.pcap EAL-ARGUMENT…: sends a capture file's packets through DPDK's first port once
// its link is up, and stays until it is ended. The other end of the tests with shared memory. What
// came close together goes in one burst, whatever the scheduler does; between bursts is a pause.
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
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

bool send(const std::vector<rte_mbuf*>& burst) {
  std::size_t sent = 0;
  for (int i = 0; i < attempts_max && sent < burst.size(); ++i) {
    sent += rte_eth_tx_burst(port, 0, const_cast<rte_mbuf**>(&burst[sent]),
                             static_cast<std::uint16_t>(burst.size() - sent));
    if (sent < burst.size()) short_pause();
  }
  return sent == burst.size();
}

rte_mbuf* buffer_with(dpi::Bytes frame) {
  rte_mbuf* const buffer = rte_pktmbuf_alloc(rte_mempool_lookup("send"));
  if (buffer == nullptr) return nullptr;
  char* const to = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.size()));
  if (to == nullptr) return nullptr;
  std::memcpy(to, frame.data(), frame.size());
  return buffer;
}

// A probe takes copies for a mirror's when they come within 10 ms.
class Sender {
 public:
  bool add(const dpi::RawPacket& packet) {
    const bool apart = packet.time - last_ > together;
    last_ = packet.time;
    if ((apart || burst_.size() == burst_max) && !flush()) return false;
    if (apart) std::this_thread::sleep_for(pause);
    burst_.push_back(buffer_with(packet.data));
    return burst_.back() != nullptr;
  }
  bool flush() {
    const bool sent = send(burst_);
    burst_.clear();
    return sent;
  }

 private:
  static constexpr std::size_t burst_max = 32;
  static constexpr std::chrono::milliseconds together{5};
  static constexpr std::chrono::milliseconds pause{100};

  std::vector<rte_mbuf*> burst_;
  dpi::Timestamp last_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || !start(argc, argv) || !link_comes_up()) return 1;
  auto file = dpi::open_file_source(argv[1]);
  if (!file) return 1;
  dpi::Batch batch;
  Sender sender;
  for (;;) {
    const auto state = (*file)->poll(batch, 64, std::chrono::milliseconds{0});
    if (!state) return 1;
    if (*state == dpi::SourceState::end) break;
    for (const dpi::RawPacket& packet : batch.packets())
      if (!sender.add(packet)) return 1;
  }
  if (!sender.flush()) return 1;
  // The reader may be behind, and ending would take its memory away: until somebody ends it.
  for (;;) ::pause();
}
