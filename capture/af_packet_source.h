// Live packets of one network interface through packet sockets (packet(7), TPACKET_V3). One socket
// is one source for one capture thread. Needs CAP_NET_RAW when it opens; without it later, an
// interface that was removed can come back 32 times.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/packet_source.h"
#include "probe/base/result.h"

namespace dpi {

struct AfPacketOptions {
  std::string interface;    // its name; one of several directions or ports is a call of its own
  std::size_t sockets = 1;  // 1–64. The kernel spreads packets over them by their outermost pair of
                            // addresses: fragments stay together, flows of a pair too
  std::size_t block_bytes = std::size_t{1} << 20U;  // power of two, 64 KiB–16 MiB; a longer frame
                                                    // than a block is cut
  std::size_t blocks = 64;                          // 2–4096 per socket
  std::chrono::milliseconds block_timeout{20};      // 1–1000: how long packets wait in a block
  std::uint32_t snap_bytes = 0;                     // bytes kept of each packet; 0: all
  bool promiscuous = true;
  bool ignore_outgoing = true;  // nothing that this host sends
  bool lock_memory = false;     // keep the ring out of swap, where RLIMIT_MEMLOCK allows
  std::string filter;  // libpcap's language. The kernel applies it: what it rejects is neither
                       // offered nor counted
};

// As many sources as sockets. All begin with the same packet: until the last socket has joined,
// none receives. Errc::usage: options or filter; Errc::input: interface, privilege or memory, with
// the remedy. Warnings about offloads are the first source's.
//
// A batch keeps one block of the ring; the kernel drops when it comes round to a block that is
// held, so batches are to be released within a fraction of the ring. Packets up to poll's last
// answer are counted; stats() asks the kernel for drops.
[[nodiscard]] Result<std::vector<std::unique_ptr<PacketSource>>> open_af_packet(
    const AfPacketOptions& options);

}  // namespace dpi
