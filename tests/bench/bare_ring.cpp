// The least that a program can do with a TPACKET_V3 ring: count. What our source is measured
// against.
//   bare_ring INTERFACE COUNT [BLOCKS]
// Prints READY, and in the end what it read and what the kernel dropped: together COUNT.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr unsigned block_bytes = 1U << 20U;

struct Ring {
  int fd = -1;
  std::uint8_t* memory = nullptr;
  unsigned blocks = 0;

  tpacket_block_desc* block(unsigned n) const {
    void* const at = memory + std::size_t{n} * block_bytes;
    return static_cast<tpacket_block_desc*>(at);
  }
};

template <class T>
bool set(int fd, int name, const T& value) {
  return ::setsockopt(fd, SOL_PACKET, name, &value, sizeof value) == 0;
}

bool open_ring(Ring& ring, const char* interface) {
  ring.fd = ::socket(AF_PACKET, SOCK_RAW, 0);
  tpacket_req3 request{};
  request.tp_block_size = block_bytes;
  request.tp_block_nr = ring.blocks;
  request.tp_frame_size = 2048;
  request.tp_frame_nr = block_bytes / request.tp_frame_size * ring.blocks;
  request.tp_retire_blk_tov = 20;
  if (!set(ring.fd, PACKET_VERSION, int{TPACKET_V3}) || !set(ring.fd, PACKET_RX_RING, request) ||
      !set(ring.fd, PACKET_IGNORE_OUTGOING, int{1}))
    return false;
  void* const memory = ::mmap(nullptr, std::size_t{block_bytes} * ring.blocks,
                              PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, 0);
  if (memory == MAP_FAILED) return false;
  ring.memory = static_cast<std::uint8_t*>(memory);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
  void* const any = &address;
  return ::bind(ring.fd, static_cast<sockaddr*>(any), sizeof address) == 0;
}

std::uint64_t drops_since_last(const Ring& ring) {
  tpacket_stats_v3 stats{};
  socklen_t size = sizeof stats;
  ::getsockopt(ring.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
  return stats.tp_drops;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Ring ring;
  ring.blocks = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 64;
  if (!open_ring(ring, argv[1])) {
    std::perror("bare_ring");
    return 1;
  }
  std::puts("READY");
  std::fflush(stdout);
  const auto wanted = static_cast<std::uint64_t>(std::atoll(argv[2]));
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;
  for (unsigned n = 0; packets + dropped < wanted;) {
    tpacket_hdr_v1& head = ring.block(n)->hdr.bh1;
    const std::atomic_ref<std::uint32_t> status{head.block_status};
    if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) {
      pollfd fd{ring.fd, POLLIN, 0};
      ::poll(&fd, 1, 100);
      dropped += drops_since_last(ring);
      continue;
    }
    packets += head.num_pkts;
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    n = (n + 1) % ring.blocks;
  }
  std::printf("packets=%llu dropped_kernel=%llu\n", static_cast<unsigned long long>(packets),
              static_cast<unsigned long long>(dropped));
  return 0;
}
