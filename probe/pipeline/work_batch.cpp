#include "probe/pipeline/work_batch.h"

#include "probe/base/check.h"

namespace dpi {

void WorkBatch::packet(std::uint32_t lane, const LanePacket& packet) {
  const PacketView& view = packet.packet.view;
  // What is only dissected is a datagram too: it lies in the fragment table.
  const bool in_frame = packet.counted && packet.dissected == &view;
  const PacketView* datagram = in_frame ? nullptr : packet.dissected;
  const bool classify_datagram = packet.counted && packet.classified != &view;
  DPI_CHECK(!classify_datagram || packet.classified == datagram);
  items_.push_back({.kind = Kind::packet,
                    .classify_datagram = classify_datagram,
                    .dissect_view = in_frame,
                    .view_tells = packet.packet.facts == &view,
                    .copy = packet.packet.copy,
                    .counted = packet.counted,
                    .last = false,
                    .lane = lane,
                    .datagram = datagram == nullptr ? none : keep(*datagram),
                    .number = packet.packet.number,
                    .canary = 0,
                    .time = packet.packet.time,
                    .key = packet.packet.key,
                    .view = packet.counted ? view : PacketView{}});
}

// Its bytes live for ever.
void WorkBatch::canary(std::uint64_t canary, const LanePacket& packet, bool last) {
  Item item;
  item.kind = Kind::canary;
  item.last = last;
  item.number = packet.packet.number;
  item.canary = canary;
  item.time = packet.packet.time;
  item.key = packet.packet.key;
  item.view = packet.packet.view;
  items_.push_back(item);
}

// All spans of such a view lie in its outermost one.
std::uint32_t WorkBatch::keep(const PacketView& datagram) {
  auto kept = std::make_unique<Datagram>();
  const Bytes whole = datagram.l3.empty() ? datagram.l4 : datagram.l3;
  kept->bytes.assign(whole.begin(), whole.end());
  kept->view = datagram;
  const auto moved = [&](Bytes span) -> Bytes {
    if (span.empty()) return {};
    const auto at = static_cast<std::size_t>(span.data() - whole.data());
    return Bytes{kept->bytes}.subspan(at, span.size());
  };
  kept->view.l3 = moved(datagram.l3);
  kept->view.l4 = moved(datagram.l4);
  kept->view.payload = moved(datagram.payload);
  kept->view.outer.l4 = {};
  datagrams_.push_back(std::move(kept));
  return static_cast<std::uint32_t>(datagrams_.size() - 1);
}

void WorkBatch::tick(FactNumber number, Timestamp now, const FrontStats& stats) {
  Item item;
  item.kind = Kind::tick;
  item.lane = static_cast<std::uint32_t>(stats_.size());
  item.number = number;
  item.time = now;
  items_.push_back(item);
  stats_.push_back(stats);
}

void WorkBatch::clock_stepped(std::uint64_t nth, Nanoseconds delta) {
  Item item;
  item.kind = Kind::clock_step;
  item.number = nth;
  item.time = timestamp(delta.count());
  items_.push_back(item);
}

void WorkBatch::finish(FactNumber number, EndReason reason, const FrontStats& stats) {
  Item item;
  item.kind = Kind::finish;
  item.reason = reason;
  item.lane = static_cast<std::uint32_t>(stats_.size());
  item.number = number;
  items_.push_back(item);
  stats_.push_back(stats);
}

void WorkBatch::close(FactNumber complete_to, std::shared_ptr<const Batch> memory) {
  complete_to_ = complete_to;
  memory_ = std::move(memory);
}

void WorkBatch::clear() noexcept {
  items_.clear();
  datagrams_.clear();
  stats_.clear();
  memory_.reset();
}

}  // namespace dpi
