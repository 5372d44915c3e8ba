// Live flows of one lane: bounded memory, the packet's keyed hash and full key comparison, expiry
// by packet time. Nothing here depends on the hash seed, on batch sizes or on the wall clock. What
// is due is collected first and ended afterwards, so that several tables can end their flows in one
// order.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "probe/flow/duplicate_window.h"
#include "probe/flow/flow.h"

namespace dpi {

struct FlowLimits {
  bool drop_duplicates = false;  // mirrored copies are counted, but not in their flow
  // One of which more than FlowTable::kept_bytes_each is kept elsewhere counts as several.
  std::size_t flows_max = 262'144;
  std::chrono::seconds idle_tcp{60};  // established
  std::chrono::seconds idle_other{30};
  std::chrono::seconds idle_half_open{10};  // TCP before it is established
  std::chrono::seconds active{300};
  std::chrono::seconds linger_closed{5};  // late packets of a closed TCP flow
  std::uint8_t splt_packets = Splt::packets_max;
};

// What a packet adds to its flow; made from a view (or from a fragment held back).
struct FlowPacket {
  const PacketView& view;
  DirectedKey key;
  Timestamp time{};          // clamped: never before an earlier one of its front
  std::uint64_t number = 0;  // of this packet; a flow is numbered by its first one
  // What tells of flags, sequence and data: the packet itself, the datagram of which it is the last
  // piece, or nothing yet.
  const PacketView* facts = &view;
  std::optional<bool> copy{};  // of one that was seen; nothing: the table looks itself
};

// A flow that is to end.
struct DueFlow {
  std::uint64_t number = 0;
  std::uint32_t index = 0;  // in its table
  EndReason reason = EndReason::idle;
};

// Tables whose flows share the arrays of one classifier: Flow::slot = first + n * stride.
struct SlotSpace {
  std::uint32_t first = 0;
  std::uint32_t stride = 1;
};

struct FlowTableStats {
  std::uint64_t started = 0;
  std::uint64_t records = 0;
  std::uint64_t evicted = 0;
  std::uint64_t duplicates = 0;  // packets
  std::uint64_t active = 0;

  FlowTableStats& operator+=(const FlowTableStats& other) noexcept;
};

class FlowTable {
 public:
  FlowTable(FlowLimits limits, FlowObserver& observer, SlotSpace slots = {});
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;
  ~FlowTable();

  struct Touched {
    Flow* flow;  // null: a mirrored copy that is not to count, of a packet whose flow has gone
    Side sender;
    bool news;  // neither a mirrored copy nor a segment that its receiver drops
  };
  // Counts the packet in its flow, made if needed (evicting the least recently seen flow when
  // full).
  Touched add(const FlowPacket& packet);
  // What others keep about a flow of this table, in bytes, whenever that has changed. At the limit
  // the flows that were seen least recently make room, never this one.
  static constexpr std::size_t kept_bytes_each = 2048;
  void keep(const Flow& flow, std::size_t bytes);
  // The flow of a key, without counting anything; nothing when there is none.
  [[nodiscard]] std::optional<Touched> find(const DirectedKey& key);
  // Appends what is due at this packet time, in no order; nothing unless a second has begun. Each
  // of it must be ended before the next packet is added.
  void collect_due(Timestamp now, std::vector<DueFlow>& out);
  // Appends everything: time ends here and may begin anew. Flows that are not closed get `reason`.
  void collect_all(EndReason reason, std::vector<DueFlow>& out);
  // The clock has stepped by this much: flows live on, and nothing is due that was not before.
  void shift(Nanoseconds delta);
  void end(const DueFlow& due) { end(due.index, due.reason); }

  [[nodiscard]] FlowTableStats stats() const noexcept { return stats_; }

 private:
  enum class Timer : std::uint8_t { established, other, half_open, backing_off, closed, count };
  struct Entry;
  struct List {
    std::uint32_t head = none;
    std::uint32_t tail = none;
  };
  static constexpr std::uint32_t none = 0xffffffffU;
  // Open addressing over slots. The hash's low half says where a bucket belongs, and mostly whether
  // the flow behind it is worth a look.
  struct Bucket {
    std::uint32_t slot = none;
    std::uint32_t hash = 0;
  };
  static constexpr std::size_t chunk_entries = 64;
  static constexpr std::size_t recent_packets = 4096;

  Entry& entry(std::uint32_t slot) noexcept;
  std::uint32_t find(const FlowKey& key, std::uint32_t hash) noexcept;
  std::uint32_t create(const FlowPacket& packet, std::uint32_t hash);
  void insert(const Bucket& bucket) noexcept;
  void erase(std::uint32_t slot) noexcept;
  void unlink(std::uint32_t slot) noexcept;
  void link(std::uint32_t slot, Timer timer) noexcept;
  void move_to_tail(std::uint32_t slot, Timer timer) noexcept;
  void make_room(std::size_t units_max, std::uint32_t but);
  void evict_oldest(std::uint32_t but);
  void end(std::uint32_t slot, EndReason reason);
  void count(Flow& flow, const FlowPacket& packet, Side sender) noexcept;
  // False: it says nothing, for its receiver drops it.
  static void learn_icmp(Flow& flow, const PacketView& view) noexcept;
  bool learn(Flow& flow, const PacketView& facts, Side sender, Timestamp time) noexcept;
  void next_record(Flow& flow, Timestamp time);
  [[nodiscard]] Timer timer_of(const Flow& flow) const noexcept;
  [[nodiscard]] Nanoseconds timeout(Timer timer) const noexcept;
  void grow();

  FlowLimits limits_;
  FlowObserver& observer_;
  std::vector<Bucket> buckets_;  // open addressing
  std::vector<std::unique_ptr<std::array<Entry, chunk_entries>>> chunks_;
  std::vector<std::uint32_t> free_;
  std::size_t units_ = 0;  // of all flows, of flows_max
  std::array<List, static_cast<std::size_t>(Timer::count)> lists_{};
  SlotSpace slots_;
  DuplicateWindow recent_;
  std::int64_t last_tick_ = 0;
  FlowTableStats stats_;
};

}  // namespace dpi
