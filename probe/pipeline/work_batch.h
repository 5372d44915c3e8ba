// Packets on their way to a worker, with their bytes: nothing in it points out of it, so that it
// can lie in memory which the worker's process shares. Its size is fixed; whoever fills it asks
// first whether there is room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "probe/base/packet.h"
#include "probe/pipeline/front.h"

namespace dpi {

class WorkBatch {
 public:
  // What one packet is, for who looks at it from outside.
  struct Summary {
    bool is_packet = false;
    bool counted = false;
    FactNumber number = 0;
    std::uint32_t wire_bytes = 0;
    const PacketView* seen = nullptr;  // what nDPI and our parsers were to see
    const DirectedKey* key = nullptr;
  };

  void clear() noexcept;
  // Whether one more of anything fits; a packet also needs room for its bytes.
  [[nodiscard]] bool has_room() const noexcept { return items_used_ < items_max && room(0); }
  [[nodiscard]] bool has_room(const LanePacket& packet) const noexcept;

  void packet(std::uint32_t lane, const LanePacket& packet) noexcept;
  void canary(std::uint64_t canary, const LanePacket& packet, bool last) noexcept;
  void tick(FactNumber number, Timestamp now, const FrontStats& stats) noexcept;
  void clock_stepped(std::uint64_t nth, Nanoseconds delta) noexcept;
  void finish(FactNumber number, EndReason reason, const FrontStats& stats) noexcept;
  // Ends it: everything up to this number and this time is in this batch or before it.
  void close(FactNumber complete_to, Timestamp now) noexcept {
    complete_to_ = complete_to;
    now_ = now;
  }
  void stop() noexcept { stop_ = true; }

  [[nodiscard]] std::size_t size() const noexcept { return items_used_; }
  // Plays one of those that were put in. Target: packet(lane, LanePacket), tick(number, now,
  // FrontStats), canary(canary, LanePacket, last), clock_stepped(nth, delta), finish(number,
  // reason, FrontStats).
  template <class Target>
  void play(std::size_t at, Target& target) const {
    const Item& item = items()[at];
    if (item.kind == Kind::packet) {
      const PacketView& view = item.counted ? item.view : *item.datagram;
      const PacketView* whole = item.classify_datagram ? item.datagram : nullptr;
      target.packet(item.lane, {.packet = {view, item.key, item.time, item.number,
                                           item.view_tells ? &view : whole, item.copy},
                                .classified = item.classify_datagram ? item.datagram : &view,
                                .dissected = item.dissect_view ? &view : item.datagram,
                                .counted = item.counted});
    } else if (item.kind == Kind::tick) {
      target.tick(item.number, item.time, *item.stats);
    } else if (item.kind == Kind::canary) {
      target.canary(item.canary,
                    {.packet = {item.view, item.key, item.time, item.number},
                     .classified = &item.view,
                     .dissected = &item.view},
                    item.last);
    } else if (item.kind == Kind::clock_step) {
      target.clock_stepped(item.number, item.time.time_since_epoch());
    } else {
      target.finish(item.number, item.reason, *item.stats);
    }
  }
  // Nothing: there is no such item.
  [[nodiscard]] std::optional<Summary> summary(std::size_t at) const noexcept;
  // When it is; nothing: no matter when.
  [[nodiscard]] std::optional<Timestamp> time(std::size_t at) const noexcept {
    const Item& item = items()[at];
    if (item.kind == Kind::clock_step || item.kind == Kind::finish) return std::nullopt;
    return item.time;
  }
  [[nodiscard]] FactNumber complete_to() const noexcept { return complete_to_; }
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  [[nodiscard]] bool stopped() const noexcept { return stop_; }

 private:
  enum class Kind : std::uint8_t { packet, canary, tick, clock_step, finish };
  struct Item {
    Kind kind = Kind::packet;
    EndReason reason = EndReason::forced;
    bool classify_datagram = false;
    bool dissect_view = false;
    bool view_tells = true;  // FlowPacket::facts is the view
    bool counted = true;
    bool last = false;  // of a canary
    std::optional<bool> copy{};
    std::uint32_t lane = 0;
    FactNumber number = 0;  // of a clock step: which one
    std::uint64_t canary = 0;
    Timestamp time{};                      // of a clock step: how far
    const PacketView* datagram = nullptr;  // put together from fragments; in bytes_
    const FrontStats* stats = nullptr;     // of a tick or end; in bytes_
    DirectedKey key;
    PacketView view;
  };
  static_assert(std::is_trivially_copyable_v<Item> && std::is_trivially_copyable_v<FrontStats>);
  static constexpr std::size_t items_max = 512;
  static constexpr std::size_t bytes_max = 768U << 10U;
  // Of one packet: more than an IP packet has, less than a capture file may claim.
  static constexpr std::size_t packet_bytes_max = 256U << 10U;
  // What anything but captured bytes may take.
  static constexpr std::size_t other_bytes = 4096;
  static_assert(sizeof(FrontStats) + sizeof(PacketView) + 128 < other_bytes);

  [[nodiscard]] bool room(std::size_t bytes) const noexcept {
    return bytes_used_ + bytes + other_bytes <= bytes_max;
  }
  Item& add(Kind kind, const PacketView& view) noexcept;
  [[nodiscard]] const Item* items() const noexcept {
    return static_cast<const Item*>(static_cast<const void*>(items_.data()));
  }
  void* take(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] const FrontStats* keep(const FrontStats& stats) noexcept;
  void keep_bytes(PacketView& view) noexcept;

  std::uint32_t items_used_;
  std::uint32_t bytes_used_;
  FactNumber complete_to_;
  Timestamp now_;
  bool stop_;
  // Items, untouched until they are used.
  alignas(Item) std::array<std::byte, items_max * sizeof(Item)> items_;
  alignas(std::max_align_t) std::array<std::byte, bytes_max> bytes_;
};

}  // namespace dpi
