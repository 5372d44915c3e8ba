// Preloaded into a sensor that captures from net_ring (`--vdev=net_ring0`): what is sent through
// such a port comes back into it, but only its own process can send. The sensor starts its port as
// ever; here the packets of the file in DPI_RING_FEED follow, with the file's nanoseconds between
// them, as a card with a clock of its own stamps them. A driver registers the field of the time
// before its port starts, and only in between is there a place for that: hence a preloaded
// function.
#include <dlfcn.h>
#include <pcap/pcap.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

struct Frame {
  std::int64_t time_ns = 0;
  std::vector<std::uint8_t> bytes;
};

std::optional<std::vector<Frame>> frames_of(const char* path) {
  char error[PCAP_ERRBUF_SIZE] = {};
  pcap_t* const file = path == nullptr ? nullptr
                                       : pcap_open_offline_with_tstamp_precision(
                                             path, PCAP_TSTAMP_PRECISION_NANO, error);
  if (file == nullptr) return {};
  std::vector<Frame> frames;
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* data = nullptr;
  while (pcap_next_ex(file, &header, &data) == 1)
    frames.push_back({header->ts.tv_sec * second_ns + header->ts.tv_usec,  // nanoseconds, as asked
                      {data, data + header->caplen}});
  pcap_close(file);
  return frames;
}

struct Feed {
  std::uint16_t port = 0;
  std::vector<Frame> frames;
  rte_mempool* pool = nullptr;
  int stamp_offset = -1;
  std::uint64_t stamp_flag = 0;

  // Moved by whole seconds, into the seconds to come: a sensor's time never goes back, and on a
  // silent link it follows the clock.
  void operator()() const {
    if (frames.empty()) return;
    timespec clock{};
    clock_gettime(CLOCK_REALTIME, &clock);
    const std::int64_t moved_ns = (clock.tv_sec + 2 - frames[0].time_ns / second_ns) * second_ns;
    for (const Frame& frame : frames) send(frame, frame.time_ns + moved_ns);
  }

  void send(const Frame& frame, std::int64_t time_ns) const {
    rte_mbuf* buffer = nullptr;
    while ((buffer = rte_pktmbuf_alloc(pool)) == nullptr) usleep(100);
    char* const to = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.bytes.size()));
    if (to == nullptr) std::abort();  // longer than a buffer: not one packet may be missing
    std::memcpy(to, frame.bytes.data(), frame.bytes.size());
    *RTE_MBUF_DYNFIELD(buffer, stamp_offset, std::uint64_t*) = static_cast<std::uint64_t>(time_ns);
    buffer->ol_flags |= stamp_flag;
    while (rte_eth_tx_burst(port, 0, &buffer, 1) == 0) usleep(100);
  }
};

}  // namespace

extern "C" int rte_eth_dev_start(std::uint16_t port) {
  // An object pointer becomes a function pointer only through its bytes.
  int (*start)(std::uint16_t) = nullptr;
  void* const next = dlsym(RTLD_NEXT, "rte_eth_dev_start");
  std::memcpy(&start, &next, sizeof start);
  auto frames = frames_of(std::getenv("DPI_RING_FEED"));
  if (start == nullptr || !frames) return -ENOENT;
  Feed feed{.port = port, .frames = std::move(*frames)};
  if (const int e = rte_mbuf_dyn_rx_timestamp_register(&feed.stamp_offset, &feed.stamp_flag);
      e != 0)
    return e;
  feed.pool = rte_pktmbuf_pool_create("feed", 1023, 0, 0, 4096, SOCKET_ID_ANY);
  if (feed.pool == nullptr) return -ENOMEM;
  if (const int e = start(port); e != 0) return e;
  // Signals are the sensor's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread{std::move(feed)}.detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return 0;
}
