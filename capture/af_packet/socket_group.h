// The packet sockets that capture one interface together, opened so that all begin at once, and
// opened anew when the interface was removed and comes back. By then the privilege to make such
// sockets may have been given away: some are made in advance, which neither receive nor cost memory
// worth a word until they are needed.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "capture/af_packet/packet_ring.h"
#include "capture/af_packet_source.h"
#include "capture/interface/link_message.h"
#include "probe/base/file_descriptor.h"
#include "probe/base/packet.h"

namespace dpi {

struct PacketSocket {
  FileDescriptor fd;
  std::shared_ptr<PacketRing> ring;
};

struct Member {
  PacketSocket socket;
  LinkState link;
  unsigned generation = 0;
};

// Ends what the socket does in the kernel though its mapping, and so the socket, lives on.
void stop_receiving(const PacketSocket& s, int interface_index) noexcept;

// Shared by the sources of one interface; every function may be called from any of their threads.
class SocketGroup {
 public:
  // Errc::input with a remedy: no such interface, down, not permitted, no memory; Errc::usage: the
  // filter.
  [[nodiscard]] static Result<std::shared_ptr<SocketGroup>> open(const AfPacketOptions& options);

  // How often the sockets were opened; a source whose number is lower takes its new one.
  [[nodiscard]] unsigned generation() const noexcept {
    return generation_.load(std::memory_order_acquire);
  }
  // The newest, once per member and generation.
  [[nodiscard]] Member take(std::size_t member);
  // Opens all sockets anew on that interface unless another member did it already.
  [[nodiscard]] Result<void> reopen(const LinkState& link);

  // It came back once more than there were sockets for, and no more can be made: never again.
  [[nodiscard]] bool used_up() const noexcept { return used_up_.load(std::memory_order_relaxed); }

  [[nodiscard]] const AfPacketOptions& options() const noexcept { return options_; }
  [[nodiscard]] LinkType link_type() const noexcept { return link_type_; }

 private:
  explicit SocketGroup(AfPacketOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Result<void> open_sockets(const LinkState& link);
  [[nodiscard]] FileDescriptor make_socket();
  void make_spares();

  AfPacketOptions options_;
  LinkType link_type_{};
  std::mutex mutex_;
  LinkState link_;
  std::vector<PacketSocket> sockets_;
  std::vector<FileDescriptor> spares_;
  std::atomic<unsigned> generation_{0};
  std::atomic<bool> used_up_{false};
};

}  // namespace dpi
