#include "capture/dpdk/port.h"

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dpi {
namespace {

std::int64_t clock_ns() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  constexpr std::int64_t second_ns = 1'000'000'000;
  return t.tv_sec * second_ns + t.tv_nsec;
}

std::string refused(const std::string& name, const std::string& what, int error) {
  return name + ": " + what + ": " + rte_strerror(std::abs(error));
}

template <std::size_t size>
void copy_text(char (&to)[size], const char* from) {
  std::snprintf(to, size, "%s", from != nullptr ? from : "");
}

}  // namespace

rte_eth_conf Port::configuration(const dpi_dpdk_options& options, std::vector<std::string>& notes) {
  rte_eth_conf conf{};
  if (options.mtu_bytes > 0) conf.rxmode.mtu = options.mtu_bytes;
  constexpr std::uint64_t wanted = RTE_ETH_RX_OFFLOAD_TIMESTAMP | RTE_ETH_RX_OFFLOAD_SCATTER;
  conf.rxmode.offloads = wanted & info_.rx_offload_capa;  // more than it can is refused
  if (options.queues == 1) return conf;
  // Addresses only, so that fragments meet; the key of repeated halves makes both directions equal.
  const std::uint64_t rss = RTE_ETH_RSS_IP & info_.flow_type_rss_offloads;
  if (rss == 0) {
    notes.push_back(name_ +
                    ": this driver does not spread packets by address (RSS); all of them "
                    "may come from one queue");
    return conf;
  }
  constexpr std::size_t key_bytes_default = 40;
  const std::size_t key_bytes = info_.hash_key_size != 0 ? info_.hash_key_size : key_bytes_default;
  for (std::size_t i = 0; i < sizeof key_; ++i) key_[i] = i % 2 == 0 ? 0x6D : 0x5A;
  conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  conf.rx_adv_conf.rss_conf.rss_key = key_;
  conf.rx_adv_conf.rss_conf.rss_key_len =
      static_cast<std::uint8_t>(std::min(key_bytes, sizeof key_));
  conf.rx_adv_conf.rss_conf.rss_hf = rss;
  return conf;
}

std::string Port::set_up_queues(const dpi_dpdk_options& options, std::uint16_t transmit_queues) {
  auto receive = static_cast<std::uint16_t>(options.descriptors);
  std::uint16_t transmit = 512;
  if (const int e = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &transmit); e != 0)
    return refused(name_, "the number of descriptors was refused", e);
  const int socket = rte_eth_dev_socket_id(id_);
  constexpr unsigned cache = 0;  // only DPDK's own threads would have one
  rte_mempool* const pool = rte_pktmbuf_pool_create(
      ("dpi_port_" + std::to_string(id_)).c_str(), options.buffers, cache, 0,
      static_cast<std::uint16_t>(options.buffer_bytes + RTE_PKTMBUF_HEADROOM), socket);
  if (pool == nullptr) {
    return refused(name_, "no pool of " + std::to_string(options.buffers) + " buffers", rte_errno) +
           "; use fewer buffers, reserve more memory, and see that librte-mempool-ring is "
           "installed";
  }
  for (std::uint16_t q = 0; q < options.queues; ++q) {
    const int e =
        rte_eth_rx_queue_setup(id_, q, receive, static_cast<unsigned>(socket), nullptr, pool);
    if (e != 0) return refused(name_, "receive queue " + std::to_string(q), e);
  }
  for (std::uint16_t q = 0; q < transmit_queues; ++q) {
    const int e = rte_eth_tx_queue_setup(id_, q, transmit, static_cast<unsigned>(socket), nullptr);
    if (e != 0) return refused(name_, "transmit queue", e);
  }
  return {};
}

std::string Port::start(const dpi_dpdk_options& options, std::vector<std::string>& notes) {
  char name[RTE_ETH_NAME_MAX_LEN] = {};
  rte_eth_dev_get_name_by_port(id_, name);
  name_ = name;
  if (const int e = rte_eth_dev_info_get(id_, &info_); e != 0)
    return refused(name_, "its driver does not answer", e);
  if (options.queues > info_.max_rx_queues) {
    return name_ + ": it has " + std::to_string(info_.max_rx_queues) + " receive queues, not " +
           std::to_string(options.queues) + "; set queues lower";
  }
  // Nothing is ever sent, but many drivers insist on a transmit queue.
  const std::uint16_t transmit_queues = info_.max_tx_queues > 0 ? 1 : 0;
  const rte_eth_conf conf = configuration(options, notes);
  if (const int e = rte_eth_dev_configure(id_, static_cast<std::uint16_t>(options.queues),
                                          transmit_queues, &conf);
      e != 0)
    return refused(name_, "its configuration was refused", e);
  if (std::string error = set_up_queues(options, transmit_queues); !error.empty()) return error;
  if (const int e = rte_eth_dev_start(id_); e != 0) return refused(name_, "it does not start", e);
  started_ = true;
  if (options.promiscuous != 0 && rte_eth_promiscuous_enable(id_) != 0)
    notes.push_back(name_ +
                    ": it refuses promiscuous mode: only packets to its own address may come");
  rte_mbuf_dynfield field{};
  stamp_offset_ = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, &field);
  const int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
  if (stamp_offset_ < 0 || flag < 0) {
    stamp_ = Stamp::none;
  } else {
    stamp_flag_ = std::uint64_t{1} << static_cast<unsigned>(flag);
    if (std::strcmp(info_.driver_name, "net_pcap") == 0) stamp_ = Stamp::microseconds;
  }
  return {};
}

void Port::stop() const {
  if (started_) rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

// Cards count their own ticks unless they are told otherwise; only what can be UTC is believed.
std::int64_t Port::time_of(const rte_mbuf& buffer, std::int64_t now_ns) {
  // Every queue comes to the same answer, so it does not matter whose is kept.
  const std::atomic_ref<Stamp> kept{stamp_};
  Stamp kind = kept.load(std::memory_order_relaxed);
  if (kind == Stamp::none || (buffer.ol_flags & stamp_flag_) == 0) return now_ns;
  std::uint64_t stamp = 0;
  const auto* const bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(&buffer));
  std::memcpy(&stamp, bytes + stamp_offset_, sizeof stamp);
  if (kind == Stamp::unknown) {
    constexpr std::int64_t day_ns = 86'400'000'000'000;
    const auto difference = static_cast<std::int64_t>(stamp) - now_ns;
    kind = difference > -day_ns && difference < day_ns ? Stamp::nanoseconds : Stamp::none;
    kept.store(kind, std::memory_order_relaxed);
  }
  if (kind == Stamp::none) return now_ns;
  return static_cast<std::int64_t>(kind == Stamp::microseconds ? stamp * 1000 : stamp);
}

std::uint32_t Port::receive(std::uint16_t queue, dpi_dpdk_packet* out) {
  rte_mbuf* buffers[DPI_DPDK_BURST_MAX];
  const std::uint16_t count = rte_eth_rx_burst(id_, queue, buffers, DPI_DPDK_BURST_MAX);
  if (count == 0) return 0;
  const std::int64_t now_ns = clock_ns();
  std::uint32_t taken = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    rte_mbuf* const buffer = buffers[i];
    dpi_dpdk_packet packet{};
    packet.data = rte_pktmbuf_mtod(buffer, const std::uint8_t*);
    packet.bytes = rte_pktmbuf_pkt_len(buffer);
    packet.time_ns = time_of(*buffer, now_ns);
    packet.vlan_stripped = (buffer->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 ? 1 : 0;
    packet.vlan_tci = packet.vlan_stripped != 0 ? buffer->vlan_tci : std::uint16_t{0};
    packet.buffer = buffer;
    if (buffer->nb_segs > 1) {
      // Jumbo frames in small buffers: rare, and a larger buffer_bytes avoids it.
      packet.copy = std::malloc(packet.bytes);
      if (packet.copy != nullptr) {
        packet.data = static_cast<const std::uint8_t*>(
            rte_pktmbuf_read(buffer, 0, packet.bytes, packet.copy));
      } else {
        packet.bytes = rte_pktmbuf_data_len(buffer);
      }
    }
    out[taken++] = packet;
  }
  return taken;
}

void Port::describe(dpi_dpdk_port& out) const {
  copy_text(out.name, name_.c_str());
  copy_text(out.driver, info_.driver_name);
}

void Port::counters(dpi_dpdk_counters& out) const {
  rte_eth_stats stats{};
  rte_eth_link link{};
  rte_eth_stats_get(id_, &stats);
  out.missed = stats.imissed;
  out.no_buffer = stats.rx_nombuf;
  out.link_up = rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status != 0 ? 1 : 0;
}

}  // namespace dpi
