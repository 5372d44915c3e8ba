// One bidirectional flow while it lives, and the record of it that becomes an event.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dissectors/packet_view.h"
#include "probe/base/time.h"
#include "probe/flow/flow_key.h"
#include "probe/flow/orientation.h"
#include "probe/flow/splt.h"
#include "probe/flow/tcp_tracker.h"

namespace dpi {

enum class EndReason : std::uint8_t { fin, rst, idle, active, forced, evicted, port_reuse };
[[nodiscard]] std::string_view end_reason_name(EndReason reason) noexcept;

struct SideCounters {
  std::uint64_t packets = 0;
  std::uint64_t ip_bytes = 0;
  std::uint64_t payload_bytes = 0;
  std::uint8_t ttl_min = 0;
};

// The first two VLANs of a side, all tags of each: one more where its packets are mirrored behind a
// router too.
struct SeenVlans {
  static constexpr std::uint64_t nothing = ~std::uint64_t{0};
  std::array<std::uint64_t, 2> ids{nothing, nothing};

  void note(const PacketView& view) noexcept {
    const std::uint64_t id = vlan_key(view);
    if (ids[0] == id || ids[1] == id) return;
    if (ids[0] == nothing) {
      ids[0] = id;
    } else if (ids[1] == nothing) {
      ids[1] = id;
    }
  }
  [[nodiscard]] bool apart(const SeenVlans& other) const noexcept {
    for (const std::uint64_t id : ids) {
      if (id != nothing && (id == other.ids[0] || id == other.ids[1])) return false;
    }
    return true;
  }
};

struct Flow {
  FlowKey key;
  std::uint64_t number = 0;  // of its first packet: the total order of flows
  std::uint64_t record = 0;
  std::uint64_t packets_total = 0;
  std::uint64_t duplicate_packets = 0;  // of this record: copies that a mirror delivered
  Timestamp start_at{};                 // of this record
  Timestamp end_at{};
  Side initiator = Side::low;
  Orientation orientation = Orientation::first_packet;
  std::array<SideCounters, 2> sides{};
  std::array<bool, 2> seen{};  // of the whole flow: which sides sent
  std::array<SeenVlans, 2> vlans{};
  // One of the side's TCP checksums was right: its network card is none that fills them in later,
  // and a wrong one is a segment that its receiver drops (RFC 9293 §3.1).
  std::array<bool, 2> checksum_right{};
  TcpTracker tcp;
  HistoryLetters history;  // other protocols: data only
  Splt splt;

  // Of the flow's first packet.
  FixedList<std::uint16_t, vlan_ids_max> vlan_ids;
  FixedList<Encapsulation, encapsulations_max> encapsulations;
  Tunnel tunnel;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  bool has_icmp = false;
  AnomalySet anomalies;  // of this record

  // Stable while the flow lives, unique among tables that share a classifier (SlotSpace): what
  // others keep about the flow hangs on it.
  std::uint32_t slot = 0;
  std::uint32_t index = 0;  // the same within its own table

  [[nodiscard]] const Endpoint& endpoint(Side side) const noexcept {
    return side == Side::low ? key.low : key.high;
  }
  // The clock that packets are timed by has stepped: what lasts keeps its length.
  void shift(Nanoseconds delta) noexcept {
    start_at += delta;
    end_at += delta;
    tcp.shift(delta);
    splt.shift(delta);
  }
  [[nodiscard]] bool one_way_icmp() const noexcept {
    return has_icmp && is_one_way_icmp(key.protocol, icmp_type);
  }
};

// Told about every record in the order in which records end. The flow is valid during the call.
class FlowObserver {
 public:
  virtual ~FlowObserver() = default;
  virtual void flow_ended(const Flow& flow, EndReason reason, bool final) = 0;
};

}  // namespace dpi
