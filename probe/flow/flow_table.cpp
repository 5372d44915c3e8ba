#include "probe/flow/flow_table.h"

#include <algorithm>
#include <memory>

#include "probe/base/check.h"

namespace dpi {
namespace {

constexpr std::array<std::string_view, 7> end_reasons{"fin",    "rst",     "idle",      "active",
                                                      "forced", "evicted", "port_reuse"};

// RFC 6298 §5.5: each SYN that is sent again comes after twice the time; 1, 2, 4 … 32 s.
constexpr std::chrono::seconds backing_off_min{40};

// Why a flow that simply ran out of packets ended.
EndReason quiet_end(const Flow& flow) noexcept {
  if (flow.key.protocol != ip_protocol::tcp || !flow.tcp.closed()) return EndReason::idle;
  return flow.tcp.reset() ? EndReason::rst : EndReason::fin;
}

// Of the whole key.
std::uint32_t table_hash(const DirectedKey& key) noexcept {
  const FlowKey& k = key.key;
  const bool scoped = (k.vlan | k.tunnel) != 0;
  return static_cast<std::uint32_t>(scoped ? siphash({key.hash, 0}, std::array{k.vlan, k.tunnel})
                                           : key.hash);
}

}  // namespace

std::string_view end_reason_name(EndReason reason) noexcept {
  return end_reasons[static_cast<std::size_t>(reason)];
}

struct FlowTable::Entry {
  Flow flow;
  std::uint32_t hash = 0;
  std::uint32_t previous = none;
  std::uint32_t next = none;
  std::uint32_t units = 1;
  Timer timer = Timer::other;
};

FlowTableStats& FlowTableStats::operator+=(const FlowTableStats& other) noexcept {
  started += other.started;
  records += other.records;
  evicted += other.evicted;
  duplicates += other.duplicates;
  active += other.active;
  return *this;
}

FlowTable::FlowTable(FlowLimits limits, FlowObserver& observer, SlotSpace slots)
    : limits_(limits), observer_(observer), buckets_(256), slots_(slots), recent_(recent_packets) {
  DPI_CHECK(limits_.flows_max > 0 && limits_.flows_max < none / 2 / slots_.stride);
}

FlowTable::~FlowTable() = default;

// A slot is one of those that were made; of each packet it is asked several times.
inline FlowTable::Entry& FlowTable::entry(std::uint32_t slot) noexcept {
  return chunks_.data()[slot / chunk_entries].get()->data()[slot % chunk_entries];
}

std::uint32_t FlowTable::find(const FlowKey& key, std::uint32_t hash) noexcept {
  const std::size_t mask = buckets_.size() - 1;
  const Bucket* const buckets = buckets_.data();
  for (std::size_t i = hash & mask; buckets[i].slot != none; i = (i + 1) & mask) {
    if (buckets[i].hash == hash && entry(buckets[i].slot).flow.key == key) return buckets[i].slot;
  }
  return none;
}

void FlowTable::insert(const Bucket& bucket) noexcept {
  const std::size_t mask = buckets_.size() - 1;
  std::size_t i = bucket.hash & mask;
  while (buckets_[i].slot != none) i = (i + 1) & mask;
  buckets_[i] = bucket;
}

void FlowTable::grow() {
  std::vector<Bucket> old(buckets_.size() * 2);
  old.swap(buckets_);
  for (const Bucket& bucket : old) {
    if (bucket.slot != none) insert(bucket);
  }
}

void FlowTable::link(std::uint32_t slot, Timer timer) noexcept {
  Entry& e = entry(slot);
  List& list = lists_[static_cast<std::size_t>(timer)];
  e.timer = timer;
  e.previous = list.tail;
  e.next = none;
  (list.tail == none ? list.head : entry(list.tail).next) = slot;
  list.tail = slot;
}

void FlowTable::unlink(std::uint32_t slot) noexcept {
  Entry& e = entry(slot);
  List& list = lists_[static_cast<std::size_t>(e.timer)];
  (e.previous == none ? list.head : entry(e.previous).next) = e.next;
  (e.next == none ? list.tail : entry(e.next).previous) = e.previous;
}

// Seen last of all under this timer.
void FlowTable::move_to_tail(std::uint32_t slot, Timer timer) noexcept {
  if (lists_[static_cast<std::size_t>(timer)].tail == slot) return;
  unlink(slot);
  link(slot, timer);
}

// Backward-shift deletion keeps probe sequences without tombstones.
void FlowTable::erase(std::uint32_t slot) noexcept {
  const std::size_t mask = buckets_.size() - 1;
  std::size_t hole = entry(slot).hash & mask;
  while (buckets_[hole].slot != slot) hole = (hole + 1) & mask;
  for (std::size_t i = (hole + 1) & mask; buckets_[i].slot != none; i = (i + 1) & mask) {
    const std::size_t home = buckets_[i].hash & mask;
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      buckets_[hole] = buckets_[i];
      hole = i;
    }
  }
  buckets_[hole] = {};
  unlink(slot);
  free_.push_back(slot);
  units_ -= entry(slot).units;
  --stats_.active;
}

std::uint32_t FlowTable::create(const FlowPacket& packet, std::uint32_t hash) {
  make_room(limits_.flows_max - 1, none);
  if (stats_.active * 2 >= buckets_.size()) grow();
  if (free_.empty()) {
    const auto base = static_cast<std::uint32_t>(chunks_.size() * chunk_entries);
    chunks_.push_back(std::make_unique<std::array<Entry, chunk_entries>>());
    for (std::uint32_t i = chunk_entries; i-- > 0;) free_.push_back(base + i);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Entry& e = entry(slot);
  std::destroy_at(&e.flow);  // in place: a flow assigned would be written twice
  Flow& flow = *std::construct_at(&e.flow);
  e.hash = hash;
  e.units = 1;
  ++units_;
  flow.key = packet.key.key;
  flow.index = slot;
  flow.slot = slots_.first + slot * slots_.stride;
  flow.number = packet.number;
  flow.start_at = packet.time;
  flow.end_at = packet.time;
  flow.vlan_ids = packet.view.vlan_ids;
  flow.encapsulations = packet.view.encapsulations;
  flow.tunnel = packet.view.tunnel;
  learn_icmp(flow, packet.view);
  insert({slot, hash});
  link(slot, Timer::other);
  ++stats_.active;
  ++stats_.started;
  return slot;
}

void FlowTable::end(std::uint32_t slot, EndReason reason) {
  ++stats_.records;
  Flow& flow = entry(slot).flow;
  if (flow.key.protocol == ip_protocol::tcp) flow.tcp.conclude();
  observer_.flow_ended(flow, reason, true);
  erase(slot);
}

void FlowTable::keep(const Flow& flow, std::size_t bytes) {
  Entry& e = entry(flow.index);
  const std::size_t units =
      std::max<std::size_t>(1, (bytes + kept_bytes_each - 1) / kept_bytes_each);
  if (units == e.units) return;
  units_ = units_ - e.units + units;
  e.units = static_cast<std::uint32_t>(units);
  make_room(limits_.flows_max, flow.index);
}

void FlowTable::make_room(std::size_t units_max, std::uint32_t but) {
  while (units_ > units_max && stats_.active > (but == none ? 0U : 1U)) evict_oldest(but);
}

void FlowTable::evict_oldest(std::uint32_t but) {
  std::uint32_t oldest = none;
  for (const List& list : lists_) {
    const std::uint32_t head = list.head != none && list.head == but ? entry(but).next : list.head;
    if (head == none) continue;
    if (oldest == none || entry(head).flow.end_at < entry(oldest).flow.end_at ||
        (entry(head).flow.end_at == entry(oldest).flow.end_at &&
         entry(head).flow.number < entry(oldest).flow.number)) {
      oldest = head;
    }
  }
  ++stats_.evicted;
  end(oldest, EndReason::evicted);
}

FlowTable::Timer FlowTable::timer_of(const Flow& flow) const noexcept {
  if (flow.key.protocol != ip_protocol::tcp) return Timer::other;
  if (flow.tcp.closed()) return Timer::closed;
  if (flow.tcp.established()) return Timer::established;
  return flow.tcp.syn_gap() * 2 > limits_.idle_half_open ? Timer::backing_off : Timer::half_open;
}

Nanoseconds FlowTable::timeout(Timer timer) const noexcept {
  switch (timer) {
    case Timer::established:
      return limits_.idle_tcp;
    case Timer::half_open:
      return limits_.idle_half_open;
    case Timer::backing_off:
      return std::max(limits_.idle_half_open, backing_off_min);
    case Timer::closed:
      return limits_.linger_closed;
    default:
      return limits_.idle_other;
  }
}

void FlowTable::count(Flow& flow, const FlowPacket& packet, Side sender) noexcept {
  const PacketView& view = packet.view;
  SideCounters& side = flow.sides[index(sender)];
  ++side.packets;
  ++flow.packets_total;
  flow.seen[index(sender)] = true;
  flow.vlans[index(sender)].note(view);
  side.ip_bytes += view.ip_bytes;
  side.payload_bytes += view.payload_bytes;
  side.ttl_min = side.packets == 1 ? view.ttl : std::min(side.ttl_min, view.ttl);
  // Of two fronts a packet may come behind one that was captured later.
  flow.start_at = std::min(flow.start_at, packet.time);
  flow.end_at = std::max(flow.end_at, packet.time);
  flow.anomalies |= view.anomalies;
  // Nothing is stronger than a SYN.
  if (flow.packets_total == 1 || flow.orientation != Orientation::syn) {
    const PacketView& speaks = packet.facts == nullptr ? view : *packet.facts;
    const OrientationEvidence evidence = orientation_of(speaks);
    if (flow.packets_total == 1 || evidence.method < flow.orientation) {
      flow.orientation = evidence.method;
      flow.initiator = evidence.sender_initiates ? sender : other(sender);
    }
  }
}

// Of the first packet that says so: later pieces of a datagram may come before its first.
void FlowTable::learn_icmp(Flow& flow, const PacketView& view) noexcept {
  const bool icmp =
      flow.key.protocol == ip_protocol::icmp || flow.key.protocol == ip_protocol::icmpv6;
  if (!icmp || flow.has_icmp || !view.has_transport) return;
  flow.has_icmp = true;
  flow.icmp_type = view.icmp_type;
  flow.icmp_code = view.icmp_code;
}

bool FlowTable::learn(Flow& flow, const PacketView& facts, Side sender, Timestamp time) noexcept {
  if (flow.key.protocol == ip_protocol::tcp && facts.has_transport) {
    if (facts.checksum == Checksum::right) flow.checksum_right[index(sender)] = true;
    if (facts.checksum == Checksum::wrong && flow.checksum_right[index(sender)]) return false;
    if (!flow.tcp.observe(facts, sender, time)) return false;
  } else if (facts.payload_bytes > 0) {
    flow.history.note(sender, 'd');
  }
  flow.splt.note(facts.payload_bytes, sender, time, limits_.splt_packets);
  return true;
}

// The periodic record of a long flow: told, then counted anew.
void FlowTable::next_record(Flow& flow, Timestamp time) {
  ++stats_.records;
  observer_.flow_ended(flow, EndReason::active, false);
  ++flow.record;
  flow.start_at = time;
  flow.sides = {};
  flow.duplicate_packets = 0;
  flow.tcp.start_record();
  flow.splt.start_record();
  flow.history = {};
  flow.anomalies.reset();
}

FlowTable::Touched FlowTable::add(const FlowPacket& packet) {
  const Side sender = packet.key.sender;
  const FlowKey& key = packet.key.key;
  const bool copy =
      packet.copy ? *packet.copy : recent_.seen(packet.view, key.vlan ^ key.tunnel, packet.time);
  const std::uint32_t hashed = table_hash(packet.key);
  std::uint32_t slot = find(key, hashed);
  if (copy) {
    ++stats_.duplicates;
    if (slot != none) ++entry(slot).flow.duplicate_packets;
    if (limits_.drop_duplicates) return {slot == none ? nullptr : &entry(slot).flow, sender, false};
  }
  if (slot != none) {
    Flow& flow = entry(slot).flow;
    if (!copy && packet.facts != nullptr && key.protocol == ip_protocol::tcp &&
        packet.facts->has_transport && flow.tcp.starts_anew(*packet.facts, sender)) {
      end(slot, EndReason::port_reuse);
      slot = none;
    } else if (packet.time - flow.start_at >= limits_.active) {
      next_record(flow, packet.time);
      if (copy) ++flow.duplicate_packets;
    }
  }
  if (slot == none) {
    slot = create(packet, hashed);
    if (copy) ++entry(slot).flow.duplicate_packets;
  }
  Flow& flow = entry(slot).flow;
  if (!flow.has_icmp) learn_icmp(flow, packet.view);
  count(flow, packet, sender);
  // A copy is no retransmission, and no news.
  const bool news =
      !copy && (packet.facts == nullptr || learn(flow, *packet.facts, sender, packet.time));
  move_to_tail(slot, timer_of(flow));
  return {&flow, sender, news};
}

std::optional<FlowTable::Touched> FlowTable::find(const DirectedKey& key) {
  const std::uint32_t slot = find(key.key, table_hash(key));
  if (slot == none) return std::nullopt;
  return Touched{&entry(slot).flow, key.sender, true};
}

void FlowTable::collect_due(Timestamp now, std::vector<DueFlow>& out) {
  const std::int64_t tick = nanoseconds(now) / 1'000'000'000;
  if (tick <= last_tick_) return;
  last_tick_ = tick;
  // Every list is in order of last packets, so what is due stands at its head.
  const Timestamp at = timestamp(tick * 1'000'000'000);
  for (std::size_t t = 0; t < lists_.size(); ++t) {
    const Nanoseconds quiet = timeout(static_cast<Timer>(t));
    for (std::uint32_t slot = lists_[t].head; slot != none; slot = entry(slot).next) {
      const Flow& flow = entry(slot).flow;
      if (flow.end_at + quiet > at) break;
      out.push_back({flow.number, slot, quiet_end(flow)});
    }
  }
}

void FlowTable::shift(Nanoseconds delta) {
  for (const List& list : lists_) {
    for (std::uint32_t slot = list.head; slot != none; slot = entry(slot).next)
      entry(slot).flow.shift(delta);
  }
  recent_.shift(delta);
  last_tick_ = 0;  // the next tick says where time is
}

void FlowTable::collect_all(EndReason reason, std::vector<DueFlow>& out) {
  for (const List& list : lists_) {
    for (std::uint32_t slot = list.head; slot != none; slot = entry(slot).next) {
      const Flow& flow = entry(slot).flow;
      const EndReason quiet = quiet_end(flow);
      out.push_back({flow.number, slot, quiet == EndReason::idle ? reason : quiet});
    }
  }
  recent_.forget();
  last_tick_ = 0;
}

}  // namespace dpi
