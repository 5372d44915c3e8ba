#include "probe/pipeline/front.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dissectors/checksum.h"
#include "probe/pipeline/canary.h"

namespace dpi {
namespace {

constexpr std::size_t recent_fragments = 1024;

// Text, event ids and columns all tell a time that has a text form.
Timestamp in_range(Timestamp time) noexcept {
  constexpr Timestamp last{
      Nanoseconds{std::chrono::sys_days{std::chrono::year{2262} / 1 / 1}.time_since_epoch()} -
      Nanoseconds{1}};
  return std::clamp(time, Timestamp{}, last);
}

std::int64_t second_of(Timestamp t) noexcept {
  return nanoseconds(t) / 1'000'000'000;
}

}  // namespace

SourceStats& SourceStats::operator+=(const SourceStats& other) noexcept {
  dropped_kernel += other.dropped_kernel;
  dropped_nic += other.dropped_nic;
  dropped_no_buffer += other.dropped_no_buffer;
  ring_freezes += other.ring_freezes;
  coalesced += other.coalesced;
  checksum_partial += other.checksum_partial;
  link_changes += other.link_changes;
  reopened += other.reopened;
  link_down = link_down || other.link_down;
  return *this;
}

FrontStats& FrontStats::operator+=(const FrontStats& other) noexcept {
  packets.offered += other.packets.offered;
  packets.decoded += other.packets.decoded;
  packets.filtered += other.packets.filtered;
  packets.malformed += other.packets.malformed;
  packets.not_ip += other.packets.not_ip;
  packets.shed += other.packets.shed;
  packets.bytes_shed += other.packets.bytes_shed;
  packets.bytes_offered += other.packets.bytes_offered;
  packets.truncated += other.packets.truncated;
  packets.checksum_bad += other.packets.checksum_bad;
  packets.time_backward_steps += other.packets.time_backward_steps;
  packets.last_packet_at = std::max(packets.last_packet_at, other.packets.last_packet_at);
  source += other.source;
  anomalies += other.anomalies;
  return *this;
}

Front::Front(const FrontLimits& limits, FrontSeeds seeds, LaneDispatcher& dispatcher,
             std::uint32_t front, std::uint32_t fronts)
    : dispatcher_(dispatcher),
      decode_(limits.decode),
      key_(limits.key),
      lanes_(seeds.lanes),
      fragments_(limits.fragments, seeds.tables),
      recent_fragments_(recent_fragments),
      fronts_(fronts),
      next_number_(FactNumber{fronts} + front) {
  stats_.front = front;
}

FactNumber Front::take_number() noexcept {
  const FactNumber number = next_number_;
  next_number_ += fronts_;
  return number;
}

Timestamp Front::clamp(Timestamp time) noexcept {
  time = in_range(time);
  if (began_ && time < now_) {
    ++stats_.packets.time_backward_steps;
    return now_;
  }
  return time;
}

void Front::count_filtered(const RawPacket& packet) noexcept {
  ++stats_.packets.offered;
  ++stats_.packets.filtered;
  stats_.packets.bytes_offered += packet.wire_bytes;
  const Timestamp time = in_range(packet.time);
  stats_.packets.last_packet_at = std::max(time, stats_.packets.last_packet_at.value_or(time));
}

// Timers see whole seconds only, so that results never depend on how packets are batched.
void Front::advance(Timestamp now) {
  const bool new_second = !began_ || second_of(now) != second_of(now_);
  now_ = now;
  began_ = true;
  if (!new_second) return;
  give_up(fragments_.expire(now));
  dispatcher_.tick(take_number(), now, stats_);
}

void Front::idle(Timestamp now) {
  if (!began_ || now > now_) advance(now);
}

std::optional<Nanoseconds> Front::observe_clock(Nanoseconds offset) {
  constexpr Nanoseconds step_min = std::chrono::milliseconds{100};  // slewing moves less in a poll
  const Nanoseconds delta = offset - std::exchange(clock_offset_, offset).value_or(offset);
  if (delta > -step_min && delta < step_min) return std::nullopt;
  step_clock(delta);
  return delta;
}

void Front::step_clock(Nanoseconds delta) {
  now_ += delta;
  fragments_.shift(delta);
  recent_fragments_.shift(delta);
  dispatcher_.clock_stepped(next_number_, ++clock_steps_, delta);
}

bool Front::release_canary(std::uint64_t canary) {
  const std::array<RawPacket, 2> exchange = canary_exchange(now_);
  for (std::size_t i = 0; i < exchange.size(); ++i) {
    PacketView view;
    if (decode(exchange[i], view, decode_) != DecodeOutcome::decoded) return false;
    const DirectedKey key = make_key(view, flow_ports(view), key_, lanes_);
    const LanePacket packet{
        .packet = {view, key, now_, take_number()}, .classified = &view, .dissected = &view};
    // What a worker does not take is missed further on.
    if (!dispatcher_.canary(canary, packet, i + 1 == exchange.size())) break;
  }
  return true;
}

void Front::process(const RawPacket& packet) {
  const Timestamp time = clamp(packet.time);
  advance(time);
  PacketLedger& ledger = stats_.packets;
  ++ledger.offered;
  ledger.bytes_offered += packet.wire_bytes;
  ledger.last_packet_at = time;
  const DecodeOutcome outcome = decode(packet, view_, decode_);
  if (view_.cut) ++ledger.truncated;
  if (outcome != DecodeOutcome::decoded) {
    ++(outcome == DecodeOutcome::not_ip ? ledger.not_ip : ledger.malformed);
    stats_.anomalies.add(view_.anomalies);
    return;
  }
  ++ledger.decoded;
  if (!packet.checksum_pending) view_.checksum = checksum_of(view_);
  if (is_bad(view_.checksum)) ++ledger.checksum_bad;
  if (view_.outer.fragment.present) {
    process_outer_fragment(view_, recent_fragments_.seen(view_, 0, time), time);
  } else if (view_.fragment.present) {
    process_fragment(view_, recent_fragments_.seen(view_, 0, time), time);
  } else {
    hand_on(view_, flow_ports(view_), time, {&view_, &view_, &view_});
  }
}

void Front::hand_on(const PacketView& view, PortPair ports, Timestamp time,
                    const Speakers& speakers) {
  stats_.anomalies.add(view.anomalies);
  const DirectedKey key = make_key(view, ports, key_, lanes_);
  const bool taken = dispatcher_.packet(
      lane_of(key), {.packet = {view, key, time, take_number(), speakers.facts, speakers.copy},
                     .classified = speakers.classified,
                     .dissected = speakers.dissected});
  if (taken) return;
  --stats_.packets.decoded;
  ++stats_.packets.shed;
  stats_.packets.bytes_shed += view.wire_bytes;
}

// What a tunnel's whole datagram says: to the flow inside, where its first piece was counted.
void Front::hand_inside(const PacketView& datagram, Timestamp time) {
  const DirectedKey key = make_key(datagram, flow_ports(datagram), key_, lanes_);
  dispatcher_.packet(lane_of(key), {.packet = {datagram, key, time, take_number()},
                                    .classified = nullptr,
                                    .dissected = &datagram,
                                    .counted = false});
}

// Counted at the time when they can be: a flow's packets never go back in time.
void Front::release(const std::vector<HeldFragment>& held, PortPair ports) {
  for (const HeldFragment& h : held)
    hand_on(h.view, ports, now_, {&h.view, nullptr, nullptr, h.copy});
}

void Front::give_up(std::vector<HeldFragment> held) {
  for (HeldFragment& h : held) add(h.view.anomalies, Anomaly::fragment_first_missing);
  release(held, PortPair{});
  stats_.anomalies.add(Anomaly::fragment_incomplete, fragments_.take_incomplete());
  stats_.anomalies.add(Anomaly::fragment_memory_full, fragments_.take_evicted());
}

void Front::process_fragment(PacketView& view, bool copy, Timestamp time) {
  FragmentOutcome outcome = fragments_.add(view, time, copy);
  give_up(std::move(outcome.given_up));
  if (!outcome.ports) return;
  release(outcome.released, *outcome.ports);
  // A tunnel's whole datagram speaks for the flow inside, not for this one.
  const bool whole = outcome.datagram != nullptr && outcome.datagram->l3.empty();
  if (whole) {  // the last piece of a datagram that is none is none, whatever it equals
    hand_on(view, *outcome.ports, time,
            {outcome.datagram, outcome.datagram, outcome.datagram, false});
    return;
  }
  const bool alone = !outcome.waiting && view.has_transport;
  hand_on(view, *outcome.ports, time, {&view, nullptr, alone ? &view : nullptr, copy});
  if (outcome.datagram != nullptr) hand_inside(*outcome.datagram, time);
}

// A tunnel whose outer datagram came in pieces: this first one counts by the header inside, the
// later ones by the outer header, whose ports only this one knows. What is inside is dissected
// once, when the datagram is whole.
void Front::process_outer_fragment(PacketView& view, bool copy, Timestamp time) {
  PacketView outer;
  outer.time = view.time;
  outer.wire_bytes = view.wire_bytes;
  outer.ip_version = view.outer.ip_version;
  outer.protocol = view.outer.protocol;
  outer.src = view.outer.src;
  outer.dst = view.outer.dst;
  outer.fragment = view.outer.fragment;
  outer.src_port = view.outer.src_port;
  outer.dst_port = view.outer.dst_port;
  outer.vlan_ids = view.vlan_ids;
  outer.l4 = view.outer.l4;
  outer.l4_bytes = view.outer.l4_bytes;
  FragmentOutcome outcome = fragments_.add(outer, time, copy);
  give_up(std::move(outcome.given_up));
  view.anomalies |= outer.anomalies;
  if (outcome.ports) release(outcome.released, *outcome.ports);
  if (view.fragment.present) {
    process_fragment(view, copy, time);
  } else {
    hand_on(view, flow_ports(view), time, {&view, nullptr, &view});
    if (outcome.datagram != nullptr) hand_inside(*outcome.datagram, time);
  }
}

void Front::finish(EndReason reason) {
  give_up(fragments_.finish());
  dispatcher_.finish(take_number(), reason, stats_);
  recent_fragments_.forget();
  began_ = false;
}

}  // namespace dpi
