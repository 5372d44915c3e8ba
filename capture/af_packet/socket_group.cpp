#include "capture/af_packet/socket_group.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "capture/af_packet/socket_program.h"
#include "capture/bpf_filter.h"
#include "capture/interface/link_type.h"
#include "capture/interface/link_watcher.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

constexpr std::uint32_t snap_bytes_max = 262'144;

Error cannot(const std::string& interface, const std::string& what) {
  const int error = errno;
  std::string text = interface + ": " + what + ": " + std::generic_category().message(error);
  if (error == EPERM || error == EACCES) {
    text +=
        "; capture needs CAP_NET_RAW: run as root, or `setcap cap_net_raw+ep` on the program, "
        "or AmbientCapabilities=CAP_NET_RAW in its systemd unit";
  } else if (error == ENOMEM) {
    text += "; make the ring smaller (blocks) or use fewer sockets";
  }
  return Error{Errc::input, std::move(text)};
}

template <class T>
bool set_option(int fd, int level, int name, const T& value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// The kernel copies the program.
bool set_program(int fd, int level, int name, std::span<BpfInstruction> program) {
  static_assert(sizeof(BpfInstruction) == sizeof(sock_filter));
  DPI_CHECK(program.size() <= bpf_instructions_max);
  void* const instructions = program.data();
  const sock_fprog code{.len = static_cast<unsigned short>(program.size()),
                        .filter = static_cast<sock_filter*>(instructions)};
  return set_option(fd, level, name, code);
}

// How often an interface may come back once the privilege is gone.
constexpr std::size_t spare_rounds = 32;

// Protocol 0: nothing arrives before bind().
FileDescriptor new_packet_socket() {
  return FileDescriptor{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
}

// Everything but the fanout: closed gate, ring, bound. Receives nothing.
Result<PacketSocket> open_socket(FileDescriptor made, const AfPacketOptions& options,
                                 const LinkState& link) {
  PacketSocket s;
  s.fd = std::move(made);
  const int fd = s.fd.get();
  if (!s.fd) return tl::unexpected(cannot(link.name, "no packet socket"));
  if (std::array gate{gate_instruction}; !set_program(fd, SOL_SOCKET, SO_ATTACH_FILTER, gate))
    return tl::unexpected(cannot(link.name, "the gate filter was refused"));
  if (!set_option(fd, SOL_PACKET, PACKET_VERSION, int{TPACKET_V3}))
    return tl::unexpected(cannot(link.name, "TPACKET_V3 was refused"));
  // Old kernels lack it; the program refuses such packets too.
  if (options.ignore_outgoing) set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, int{1});
  constexpr unsigned frame_bytes = 2048;  // V3 ignores it, but checks that it divides the block
  tpacket_req3 ring{};
  ring.tp_block_size = static_cast<unsigned>(options.block_bytes);
  ring.tp_block_nr = static_cast<unsigned>(options.blocks);
  ring.tp_frame_size = frame_bytes;
  ring.tp_frame_nr = ring.tp_block_size / frame_bytes * ring.tp_block_nr;
  ring.tp_retire_blk_tov = static_cast<unsigned>(options.block_timeout.count());
  if (!set_option(fd, SOL_PACKET, PACKET_RX_RING, ring))
    return tl::unexpected(cannot(link.name, "the ring was refused"));
  auto mapped = PacketRing::map(fd, options.block_bytes, options.blocks, options.lock_memory);
  if (!mapped) return fail(Errc::input, link.name + ": " + mapped.error().what);
  s.ring = std::move(*mapped);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = link.index;
  void* const any = &address;
  if (::bind(fd, static_cast<sockaddr*>(any), sizeof address) != 0)
    return tl::unexpected(cannot(link.name, "bind"));
  packet_mreq membership{};
  membership.mr_ifindex = link.index;
  membership.mr_type = PACKET_MR_PROMISC;
  // Ends with the socket.
  if (options.promiscuous && !set_option(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership))
    return tl::unexpected(cannot(link.name, "promiscuous mode was refused"));
  return s;
}

// The kernel chooses a group number that no other process uses: a shared one would silently give
// half of the packets away.
Result<void> join_fanout(std::vector<PacketSocket>& sockets, const AfPacketOptions& options,
                         const std::string& name) {
  // linux/if_packet.h of Linux 6.2; earlier kernels ignore the bit, and the program refuses such
  // packets too.
  constexpr int flag_ignore_outgoing = 0x4000;
  constexpr unsigned type_shift = 16;
  const int flags = options.ignore_outgoing ? flag_ignore_outgoing : 0;
  const int type = (PACKET_FANOUT_CBPF | flags) << type_shift;
  const int first = sockets.front().fd.get();
  if (!set_option(first, SOL_PACKET, PACKET_FANOUT,
                  type | PACKET_FANOUT_FLAG_UNIQUEID << type_shift))
    return tl::unexpected(cannot(name, "no fanout group"));
  int group = 0;
  socklen_t size = sizeof group;
  if (::getsockopt(first, SOL_PACKET, PACKET_FANOUT, &group, &size) != 0)
    return tl::unexpected(cannot(name, "the fanout group has no number"));
  constexpr int number_mask = 0xFFFF;
  for (std::size_t i = 1; i < sockets.size(); ++i) {
    if (!set_option(sockets[i].fd.get(), SOL_PACKET, PACKET_FANOUT, type | (group & number_mask)))
      return tl::unexpected(
          cannot(name, "socket " + std::to_string(i + 1) + " cannot join its fanout group"));
  }
  if (BpfProgram spread = fanout_program();
      !set_program(first, SOL_PACKET, PACKET_FANOUT_DATA, spread))
    return tl::unexpected(cannot(name, "the fanout program was refused"));
  return {};
}

Result<void> open_gate(std::vector<PacketSocket>& sockets, const AfPacketOptions& options,
                       LinkType link_type, const std::string& name) {
  const std::uint32_t snap_bytes = options.snap_bytes == 0 ? snap_bytes_max : options.snap_bytes;
  BpfProgram filter;
  if (!options.filter.empty()) {
    auto compiled = BpfFilter::instructions(options.filter, link_type, snap_bytes);
    if (!compiled) return tl::unexpected(compiled.error());
    filter = std::move(*compiled);
  }
  BpfProgram program =
      capture_program(filter, snap_bytes, options.ignore_outgoing, link_type == LinkType{1});
  if (program.size() > bpf_instructions_max) {
    return fail(Errc::usage, "filter '" + options.filter + "' has " +
                                 std::to_string(program.size()) +
                                 " instructions, the kernel takes 4096; make it shorter");
  }
  for (const PacketSocket& s : sockets)
    if (!set_program(s.fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, program))
      return tl::unexpected(cannot(name, "the filter was refused"));
  return {};
}

}  // namespace

void stop_receiving(const PacketSocket& s, int interface_index) noexcept {
  std::array<BpfInstruction, 1> gate{gate_instruction};
  set_program(s.fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, gate);
  packet_mreq membership{};
  membership.mr_ifindex = interface_index;
  membership.mr_type = PACKET_MR_PROMISC;
  set_option(s.fd.get(), SOL_PACKET, PACKET_DROP_MEMBERSHIP, membership);
}

Result<std::shared_ptr<SocketGroup>> SocketGroup::open(const AfPacketOptions& options) {
  const auto link = find_link(options.interface);
  if (!link) return tl::unexpected(link.error());
  if (!link->up) {
    return fail(Errc::input, link->name + ": the interface is down; `ip link set " + link->name +
                                 " up` and start again");
  }
  const std::shared_ptr<SocketGroup> group{new SocketGroup{options}};
  if (auto opened = group->open_sockets(*link); !opened) return tl::unexpected(opened.error());
  group->make_spares();
  return group;
}

// A sandboxed probe may not make any, and takes one of those made before; errno tells of the
// failure when there is none left.
FileDescriptor SocketGroup::make_socket() {
  FileDescriptor made = new_packet_socket();
  if (!made && spares_.empty() && generation() > 0 && (errno == EPERM || errno == EACCES))
    used_up_.store(true, std::memory_order_relaxed);
  if (made || spares_.empty()) return made;
  made = std::move(spares_.back());
  spares_.pop_back();
  return made;
}

// Too few descriptors are no reason not to capture.
void SocketGroup::make_spares() {
  while (spares_.size() < spare_rounds * options_.sockets) {
    FileDescriptor spare = new_packet_socket();
    if (!spare) return;
    spares_.push_back(std::move(spare));
  }
}

Result<void> SocketGroup::open_sockets(const LinkState& link) {
  const auto link_type = link_type_of(link.hardware);
  if (!link_type || (generation() > 0 && *link_type != link_type_)) {
    return fail(Errc::input, link.name + ": packets of hardware type " +
                                 std::to_string(link.hardware) + " cannot be captured here");
  }
  std::vector<PacketSocket> sockets;
  for (std::size_t i = 0; i < options_.sockets; ++i) {
    auto s = open_socket(make_socket(), options_, link);
    if (!s) return tl::unexpected(s.error());
    sockets.push_back(std::move(*s));
  }
  if (sockets.size() > 1)
    if (auto joined = join_fanout(sockets, options_, link.name); !joined) return joined;
  if (auto opened = open_gate(sockets, options_, *link_type, link.name); !opened) return opened;
  if (generation() == 0) link_type_ = *link_type;  // constant from then on
  link_ = link;
  sockets_ = std::move(sockets);
  generation_.fetch_add(1, std::memory_order_release);
  return {};
}

Member SocketGroup::take(std::size_t member) {
  const std::lock_guard lock{mutex_};
  return {.socket = std::move(sockets_.at(member)), .link = link_, .generation = generation()};
}

Result<void> SocketGroup::reopen(const LinkState& link) {
  const std::lock_guard lock{mutex_};
  if (link_.index == link.index) return {};
  return open_sockets(link);
}

}  // namespace dpi
