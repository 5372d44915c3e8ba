#include "capture/af_packet_source.h"

#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <optional>
#include <utility>

#include "capture/af_packet/socket_group.h"
#include "capture/af_packet/tpacket_block.h"
#include "capture/bpf_filter.h"
#include "capture/interface/interface_monitor.h"
#include "capture/interface/offloads.h"
#include "capture/warning_list.h"
#include "probe/base/check.h"

namespace dpi {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr LinkType ethernet{1};
constexpr milliseconds short_wait{1};

class AfPacketSource final : public PacketSource {
 public:
  AfPacketSource(std::shared_ptr<SocketGroup> group, std::size_t member, InterfaceMonitor monitor,
                 std::optional<BpfFilter> filter)
      : group_(std::move(group)),
        member_(member),
        monitor_(std::move(monitor)),
        filter_(std::move(filter)) {
    take_socket();
    if (member_ == 0) warn_about_offloads();
  }
  ~AfPacketSource() override { leave(); }

  Result<SourceState> poll(Batch& batch, std::size_t packets_max, milliseconds timeout) override;
  CaptureStats stats() const noexcept override;
  std::span<const std::string> warnings() const noexcept override { return warnings_.all(); }
  std::string_view name() const noexcept override { return group_->options().interface; }

 private:
  void take_socket();
  void leave() noexcept;
  void read_drops() const noexcept;
  void warn_about_offloads();
  void warn(std::string sentence) {
    if (member_ == 0) warnings_.add(std::move(sentence));
  }
  Result<void> follow_interface();
  void begin_block();
  void end_block();
  void fill(Batch& batch, std::size_t packets_max);
  [[nodiscard]] bool passes(const RingFrame& frame);
  void deliver(const RingFrame& frame, Batch& batch);
  void wait(milliseconds longest);

  std::shared_ptr<SocketGroup> group_;
  std::size_t member_;
  InterfaceMonitor monitor_;
  std::optional<BpfFilter> filter_;  // for frames whose tag the kernel has taken off
  WarningList warnings_;
  mutable CaptureStats stats_;

  PacketSocket socket_;
  unsigned generation_ = 0;
  std::size_t next_block_ = 0;
  std::shared_ptr<const void> lease_;  // of the block being read
  TpacketBlock block_;
  ByteBuffer rebuilt_;
};

void AfPacketSource::take_socket() {
  Member member = group_->take(member_);
  socket_ = std::move(member.socket);
  generation_ = member.generation;
  next_block_ = 0;
  monitor_.follow(std::move(member.link));
}

// The mapping, and with it the socket, lives until the last batch is released: it must not go on
// receiving.
void AfPacketSource::leave() noexcept {
  lease_.reset();
  if (!socket_.fd) return;
  read_drops();
  stop_receiving(socket_, monitor_.link().index);
}

// Reading resets the kernel's counters. Its tp_packets includes what it dropped, so only drops are
// taken; packets are counted when they are handed over.
void AfPacketSource::read_drops() const noexcept {
  tpacket_stats_v3 kernel{};
  socklen_t size = sizeof kernel;
  if (::getsockopt(socket_.fd.get(), SOL_PACKET, PACKET_STATISTICS, &kernel, &size) != 0) return;
  stats_.dropped_kernel += kernel.tp_drops;
  stats_.ring_freezes += kernel.tp_freeze_q_cnt;
}

void AfPacketSource::warn_about_offloads() {
  const LinkState& link = monitor_.link();
  const CardFacts facts = interface_facts(link.name);
  const bool sends = !group_->options().ignore_outgoing || link.loopback || facts.driver == "veth";
  const std::string remedy = ethtool_remedy(link.name, facts, sends);
  if (!remedy.empty()) {
    warnings_.add(link.name +
                  ": offloads merge packets before they are captured, so their number and sizes "
                  "are not those of the wire; turn them off: " +
                  remedy);
  }
  if (!link.carrier) warnings_.add(link.name + ": no carrier yet; is the cable plugged in?");
}

Result<void> AfPacketSource::follow_interface() {
  monitor_.update();
  for (std::string& sentence : monitor_.take_news()) warn(std::move(sentence));
  if (const auto back = monitor_.returned()) {
    const auto opened = group_->reopen(*back);
    if (!opened) monitor_.refused(opened.error().what);
  }
  // The last packets of the old socket come first.
  if (group_->generation() != generation_ && monitor_.old_ring_done()) {
    leave();
    take_socket();
    ++stats_.reopened;
    warn(monitor_.link().name +
         ": the interface is back and is captured again; packets in between were not seen");
  }
  if (!group_->used_up()) return {};
  return fail(Errc::input, monitor_.link().name +
                               ": it is back, but no socket is left to capture it with; only a new "
                               "start makes some");
}

void AfPacketSource::begin_block() {
  if (socket_.ring->state(next_block_) != BlockState::ready) return;
  lease_ = socket_.ring->lease(next_block_);
  block_ = TpacketBlock{socket_.ring->block(next_block_)};
}

void AfPacketSource::end_block() {
  if (block_.unreadable() > 0) {
    stats_.dropped_kernel += block_.unreadable();
    warnings_.add(monitor_.link().name + ": a block of the ring is inconsistent, " +
                  std::to_string(block_.unreadable()) +
                  " packets are lost; this is a fault of the kernel");
  }
  lease_.reset();
  next_block_ = (next_block_ + 1) % socket_.ring->blocks();
}

// As the filter would have seen it in a capture file.
bool AfPacketSource::passes(const RingFrame& frame) {
  constexpr std::size_t addresses_bytes = 12;
  if (!filter_ || !frame.vlan_stripped || frame.data.size() < addresses_bytes) return true;
  rebuilt_.assign(frame.data.begin(), frame.data.begin() + addresses_bytes);
  for (const std::uint16_t word : {frame.vlan_tpid, frame.vlan_tci}) {
    rebuilt_.push_back(static_cast<std::uint8_t>(word >> 8U));
    rebuilt_.push_back(static_cast<std::uint8_t>(word));
  }
  rebuilt_.insert(rebuilt_.end(), frame.data.begin() + addresses_bytes, frame.data.end());
  constexpr std::uint32_t tag_bytes = 4;
  return filter_->matches(
      RawPacket{.data = rebuilt_, .wire_bytes = frame.wire_bytes + tag_bytes, .link = ethernet});
}

void AfPacketSource::deliver(const RingFrame& frame, Batch& batch) {
  constexpr std::uint32_t tag_bytes = 4;
  const auto captured = static_cast<std::uint32_t>(frame.data.size());
  RawPacket packet{.data = frame.data,
                   .wire_bytes = std::max(frame.wire_bytes, captured),
                   .time = frame.time,
                   .link = group_->link_type(),
                   .vlan_tci = frame.vlan_tci,
                   .vlan_tpid = frame.vlan_tpid,
                   .vlan_stripped = frame.vlan_stripped,
                   .checksum_pending = frame.checksum_partial};
  constexpr std::uint32_t ethernet_bytes_max = 14 + tag_bytes;
  const std::uint32_t mtu = monitor_.link().mtu_bytes;
  if (packet.link == ethernet && mtu > 0 && packet.wire_bytes > mtu + ethernet_bytes_max)
    ++stats_.coalesced_packets;
  if (captured < packet.wire_bytes) ++stats_.snapped_packets;
  if (captured == 0) ++stats_.zero_packets;
  if (frame.checksum_partial) ++stats_.checksum_partial_packets;
  if (frame.vlan_stripped) packet.wire_bytes += tag_bytes;
  ++stats_.packets;
  stats_.captured_bytes += captured;
  stats_.wire_bytes += packet.wire_bytes;
  batch.add(packet);
}

void AfPacketSource::fill(Batch& batch, std::size_t packets_max) {
  while (batch.size() < packets_max) {
    const auto frame = block_.next();
    if (!frame) break;
    if (passes(*frame)) deliver(*frame, batch);
  }
  if (!batch.empty()) batch.hold(lease_);
  if (block_.left() == 0) end_block();
}

// Until something can be read, the interface changes or the time is up.
void AfPacketSource::wait(milliseconds longest) {
  std::array<pollfd, 2> fds{pollfd{monitor_.fd(), POLLIN, 0},
                            pollfd{socket_.fd.get(), POLLIN | POLLERR, 0}};
  const bool held = socket_.ring->state(next_block_) == BlockState::held;
  if (held) ++stats_.ring_held;
  const milliseconds most = held ? short_wait : std::min(longest, monitor_.wait_max());
  const nfds_t watched = held ? 1 : 2;
  if (::poll(fds.data(), watched, static_cast<int>(std::min(longest, most).count())) <= 0) return;
  if ((fds[1].revents & POLLERR) != 0) {
    // An interface that goes down says so once; asking takes the error away.
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  } else if (fds[1].revents != 0 && socket_.ring->state(next_block_) != BlockState::ready) {
    // A block before it is held: the socket stays readable though nothing is new.
    ::poll(fds.data(), 1, static_cast<int>(short_wait.count()));
  }
}

Result<SourceState> AfPacketSource::poll(Batch& batch, std::size_t packets_max,
                                         milliseconds timeout) {
  DPI_CHECK(packets_max > 0);
  batch.clear();
  constexpr milliseconds timeout_max = std::chrono::hours{24};
  const auto deadline = Steady::now() + std::min(timeout, timeout_max);
  for (;;) {
    if (lease_ == nullptr) {
      if (auto followed = follow_interface(); !followed) return tl::unexpected(followed.error());
      begin_block();
    }
    if (lease_ != nullptr) {
      fill(batch, packets_max);
      if (!batch.empty()) return SourceState::packets;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - Steady::now());
    if (left <= milliseconds{0}) return SourceState::idle;
    if (lease_ == nullptr) wait(left);
  }
}

CaptureStats AfPacketSource::stats() const noexcept {
  read_drops();
  CaptureStats stats = stats_;
  if (member_ == 0) {
    const LinkCounters lost = monitor_.counters();
    stats.dropped_nic = lost.rx_missed;
    stats.interface_dropped = lost.rx_dropped;
    stats.link_changes = monitor_.transitions();
    const LinkState& link = monitor_.link();
    stats.link_down = link.removed || !link.up || !link.carrier;
  }
  return stats;
}

Result<void> check_options(const AfPacketOptions& options) {
  constexpr std::size_t sockets_max = 64;
  constexpr std::size_t block_bytes_min = std::size_t{64} << 10U;
  constexpr std::size_t block_bytes_max = std::size_t{16} << 20U;
  constexpr std::uint32_t snap_bytes_max = 262'144;
  const std::string front = "interface '" + options.interface + "': ";
  if (options.interface.empty()) return fail(Errc::usage, "no interface is named");
  if (options.sockets < 1 || options.sockets > sockets_max)
    return fail(Errc::usage, front + "sockets must be 1–64");
  if (!std::has_single_bit(options.block_bytes) || options.block_bytes < block_bytes_min ||
      options.block_bytes > block_bytes_max)
    return fail(Errc::usage, front + "block_bytes must be a power of two, 64 KiB–16 MiB");
  if (options.blocks < 2 || options.blocks > 4096)
    return fail(Errc::usage, front + "blocks must be 2–4096");
  if (options.block_timeout < milliseconds{1} || options.block_timeout > milliseconds{1000})
    return fail(Errc::usage, front + "block_timeout must be 1–1000 ms");
  if (options.snap_bytes > snap_bytes_max)
    return fail(Errc::usage, front + "snap_bytes must be at most 262144");
  return {};
}

}  // namespace

Result<std::vector<std::unique_ptr<PacketSource>>> open_af_packet(const AfPacketOptions& options) {
  if (auto valid = check_options(options); !valid) return tl::unexpected(valid.error());
  auto group = SocketGroup::open(options);
  if (!group) return tl::unexpected(group.error());
  std::vector<std::unique_ptr<PacketSource>> sources;
  for (std::size_t i = 0; i < options.sockets; ++i) {
    auto monitor = InterfaceMonitor::open(options.interface, options.block_timeout);
    if (!monitor) return tl::unexpected(monitor.error());
    std::optional<BpfFilter> filter;
    if (!options.filter.empty()) {
      auto compiled = BpfFilter::compile(options.filter);
      if (!compiled) return tl::unexpected(compiled.error());
      filter = std::move(*compiled);
    }
    sources.push_back(
        std::make_unique<AfPacketSource>(*group, i, std::move(*monitor), std::move(filter)));
  }
  return sources;
}

}  // namespace dpi
