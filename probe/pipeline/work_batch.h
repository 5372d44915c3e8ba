// Packets of one round on their way to a worker's thread: views that own, or share, the bytes that
// they point into.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "probe/base/packet.h"
#include "probe/pipeline/front.h"

namespace dpi {

class WorkBatch {
 public:
  void packet(std::uint32_t lane, const LanePacket& packet);
  void canary(std::uint64_t canary, const LanePacket& packet, bool last);
  void tick(FactNumber number, Timestamp now, const FrontStats& stats);
  void clock_stepped(std::uint64_t nth, Nanoseconds delta);
  void finish(FactNumber number, EndReason reason, const FrontStats& stats);
  // Ends the round: everything up to this number is in this batch or before it. The views of its
  // packets point into `memory`.
  void close(FactNumber complete_to, std::shared_ptr<const Batch> memory);
  void stop() noexcept { stop_ = true; }
  void clear() noexcept;

  // Replays what was put in. Target: packet(lane, LanePacket), tick(number, now, FrontStats),
  // canary(canary, LanePacket, last), clock_stepped(nth, delta), finish(number, reason,
  // FrontStats).
  template <class Target>
  void play(Target& target) const {
    for (const Item& item : items_) {
      if (item.kind == Kind::packet) {
        const PacketView* datagram =
            item.datagram == none ? nullptr : &datagrams_[item.datagram]->view;
        const PacketView& view = item.counted ? item.view : *datagram;
        const PacketView* whole = item.classify_datagram ? datagram : nullptr;
        target.packet(item.lane, {.packet = {view, item.key, item.time, item.number,
                                             item.view_tells ? &view : whole, item.copy},
                                  .classified = item.classify_datagram ? datagram : &view,
                                  .dissected = item.dissect_view ? &view : datagram,
                                  .counted = item.counted});
      } else if (item.kind == Kind::tick) {
        target.tick(item.number, item.time, stats_[item.lane]);
      } else if (item.kind == Kind::canary) {
        target.canary(item.canary,
                      {.packet = {item.view, item.key, item.time, item.number},
                       .classified = &item.view,
                       .dissected = &item.view},
                      item.last);
      } else if (item.kind == Kind::clock_step) {
        target.clock_stepped(item.number, item.time.time_since_epoch());
      } else {
        target.finish(item.number, item.reason, stats_[item.lane]);
      }
    }
  }
  [[nodiscard]] FactNumber complete_to() const noexcept { return complete_to_; }
  [[nodiscard]] bool stopped() const noexcept { return stop_; }

 private:
  enum class Kind : std::uint8_t { packet, canary, tick, clock_step, finish };
  static constexpr std::uint32_t none = 0xffffffffU;
  struct Item {
    Kind kind = Kind::packet;
    EndReason reason = EndReason::forced;
    bool classify_datagram = false;
    bool dissect_view = false;
    bool view_tells = true;  // FlowPacket::facts is the view
    std::optional<bool> copy{};
    bool counted = true;
    bool last = false;       // of a canary
    std::uint32_t lane = 0;  // of a tick or end: index in stats_
    std::uint32_t datagram = none;
    FactNumber number = 0;  // of a clock step: which one
    std::uint64_t canary = 0;
    Timestamp time{};  // of a clock step: how far
    DirectedKey key;
    PacketView view;
  };
  // A datagram put together from fragments, copied out of the fragment table.
  struct Datagram {
    ByteBuffer bytes;
    PacketView view;
  };
  std::uint32_t keep(const PacketView& datagram);

  std::vector<Item> items_;
  std::vector<std::unique_ptr<Datagram>> datagrams_;
  std::vector<FrontStats> stats_;
  std::shared_ptr<const Batch> memory_;
  FactNumber complete_to_ = 0;
  bool stop_ = false;
};

}  // namespace dpi
