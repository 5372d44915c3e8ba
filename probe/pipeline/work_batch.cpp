#include "probe/pipeline/work_batch.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "probe/base/check.h"

namespace dpi {
namespace {

constexpr PacketView no_view{};

Bytes outermost(const PacketView& view) noexcept {
  return view.l3.empty() ? view.l4 : view.l3;
}

}  // namespace

void WorkBatch::clear() noexcept {
  items_used_ = 0;
  bytes_used_ = 0;
  complete_to_ = 0;
  now_ = {};
  stop_ = false;
}

bool WorkBatch::has_room(const LanePacket& packet) const noexcept {
  std::size_t bytes = std::min(outermost(packet.packet.view).size(), packet_bytes_max);
  if (packet.dissected != nullptr && packet.dissected != &packet.packet.view)
    bytes += std::min(outermost(*packet.dissected).size(), packet_bytes_max);
  return items_used_ < items_max && room(bytes);
}

WorkBatch::Item& WorkBatch::add(Kind kind, const PacketView& view) noexcept {
  DPI_CHECK(items_used_ < items_max);
  return *new (&items_[items_used_++ * sizeof(Item)]) Item{.kind = kind, .key = {}, .view = view};
}

void* WorkBatch::take(std::size_t bytes, std::size_t alignment) noexcept {
  const std::size_t first = (bytes_used_ + alignment - 1) / alignment * alignment;
  DPI_CHECK(first + bytes <= bytes_max);
  bytes_used_ = static_cast<std::uint32_t>(first + bytes);
  return &bytes_[first];
}

const FrontStats* WorkBatch::keep(const FrontStats& stats) noexcept {
  return new (take(sizeof stats, alignof(FrontStats))) FrontStats(stats);
}

// Copies what the view's spans point to. They lie in its outermost one; what does not is nothing
// that a lane looks at.
void WorkBatch::keep_bytes(PacketView& view) noexcept {
  const Bytes whole = outermost(view);
  const std::size_t size = std::min(whole.size(), packet_bytes_max);
  auto* const bytes = static_cast<std::uint8_t*>(take(size, 1));
  if (size > 0) std::memcpy(bytes, whole.data(), size);
  const auto moved = [&](Bytes span) -> Bytes {
    // Of what lies before it a very large one.
    const std::size_t at =
        std::bit_cast<std::uintptr_t>(span.data()) - std::bit_cast<std::uintptr_t>(whole.data());
    return at < size ? Bytes{bytes + at, std::min(span.size(), size - at)} : Bytes{};
  };
  view.l3 = moved(view.l3);
  view.l4 = moved(view.l4);
  view.payload = moved(view.payload);
  view.fragment.data = view.outer.l4 = view.outer.fragment.data = {};
}

void WorkBatch::packet(std::uint32_t lane, const LanePacket& packet) noexcept {
  const PacketView& view = packet.packet.view;
  // What is only dissected is a datagram too: it lies in the fragment table.
  const bool in_frame = packet.counted && packet.dissected == &view;
  const PacketView* datagram = in_frame ? nullptr : packet.dissected;
  const bool classify_datagram = packet.counted && packet.classified != &view;
  DPI_CHECK(!classify_datagram || packet.classified == datagram);
  Item& item = add(Kind::packet, packet.counted ? view : no_view);
  item.classify_datagram = classify_datagram;
  item.dissect_view = in_frame;
  item.view_tells = packet.packet.facts == &view;
  item.counted = packet.counted;
  item.copy = packet.packet.copy;
  item.lane = lane;
  item.number = packet.packet.number;
  item.time = packet.packet.time;
  item.key = packet.packet.key;
  if (packet.counted) keep_bytes(item.view);
  if (datagram == nullptr) return;
  auto* const kept = new (take(sizeof(PacketView), alignof(PacketView))) PacketView(*datagram);
  keep_bytes(*kept);
  item.datagram = kept;
}

void WorkBatch::canary(std::uint64_t canary, const LanePacket& packet, bool last) noexcept {
  Item& item = add(Kind::canary, packet.packet.view);
  item.last = last;
  item.number = packet.packet.number;
  item.canary = canary;
  item.time = packet.packet.time;
  item.key = packet.packet.key;
  keep_bytes(item.view);
}

void WorkBatch::tick(FactNumber number, Timestamp now, const FrontStats& stats) noexcept {
  Item& item = add(Kind::tick, no_view);
  item.number = number;
  item.time = now;
  item.stats = keep(stats);
}

void WorkBatch::clock_stepped(std::uint64_t nth, Nanoseconds delta) noexcept {
  Item& item = add(Kind::clock_step, no_view);
  item.number = nth;
  item.time = timestamp(delta.count());
}

void WorkBatch::finish(FactNumber number, EndReason reason, const FrontStats& stats) noexcept {
  Item& item = add(Kind::finish, no_view);
  item.reason = reason;
  item.number = number;
  item.stats = keep(stats);
}

std::optional<WorkBatch::Summary> WorkBatch::summary(std::size_t at) const noexcept {
  if (at >= std::min<std::size_t>(items_used_, items_max)) return std::nullopt;
  const Item& item = items()[at];
  Summary out{.is_packet = item.kind == Kind::packet || item.kind == Kind::canary,
              .counted = item.kind == Kind::packet && item.counted,
              .number = item.number,
              .wire_bytes = item.view.wire_bytes};
  if (!out.is_packet) return out;
  out.seen = item.datagram != nullptr ? item.datagram : &item.view;
  out.key = &item.key;
  return out;
}

}  // namespace dpi
