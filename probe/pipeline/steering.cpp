#include "probe/pipeline/steering.h"

#include <algorithm>
#include <utility>

namespace dpi {

Steering::Steering(std::vector<WorkerChannel*> workers, std::uint32_t front, WhenBehind when_behind,
                   std::function<bool()> gone)
    : front_(front), when_behind_(when_behind), gone_(std::move(gone)) {
  for (WorkerChannel* const worker : workers) ways_.push_back({worker, nullptr});
}

WorkBatch* Steering::begun(Way& to, WorkBatch* batch) noexcept {
  if (batch != nullptr) batch->clear();
  to.batch = batch;
  return batch;
}

void Steering::publish(Way& to, FactNumber complete_to) noexcept {
  to.batch->close(complete_to, now_);
  to.worker->publish(front_);
  to.batch = nullptr;
}

WorkBatch* Steering::batch_of(Way& to) {
  if (to.batch != nullptr) return to.batch;
  return begun(to, to.worker->work[front_].claim([this] { return !gone_(); }));
}

WorkBatch* Steering::batch_now(Way& to) {
  if (to.batch != nullptr) return to.batch;
  return begun(to, to.worker->work[front_].try_claim());
}

// A full batch ends the round for all workers: who then waits for room with one of them has told
// the others everything up to here, so that their facts get on meanwhile.
void Steering::make_room(FactNumber next) {
  const auto full = [](const Way& way) { return way.batch != nullptr && !way.batch->has_room(); };
  if (std::any_of(ways_.begin(), ways_.end(), full)) end_round(next - 1);
}

bool Steering::packet(std::uint32_t lane, const LanePacket& packet) {
  Way& to = ways_[lane % ways_.size()];
  now_ = packet.packet.time;
  if (to.batch != nullptr && !to.batch->has_room(packet)) end_round(packet.packet.number - 1);
  WorkBatch* const batch = when_behind_ == WhenBehind::wait ? batch_of(to) : batch_now(to);
  if (batch == nullptr) return false;
  batch->packet(lane, packet);
  return true;
}

bool Steering::canary(std::uint64_t canary, const LanePacket& packet, bool last) {
  make_room(packet.packet.number);
  WorkBatch* const batch = batch_now(ways_[canary % ways_.size()]);
  if (batch == nullptr) return false;
  batch->canary(canary, packet, last);
  return true;
}

// A tick that a worker is too far behind to take is not missed: the next one says more.
void Steering::tick(FactNumber number, Timestamp now, const FrontStats& stats) {
  now_ = now;
  make_room(number);
  for (Way& to : ways_) {
    WorkBatch* const batch = when_behind_ == WhenBehind::wait ? batch_of(to) : batch_now(to);
    if (batch != nullptr) batch->tick(number, now, stats);
  }
}

// Rare, and not to be missed: it waits.
void Steering::clock_stepped(FactNumber next, std::uint64_t nth, Nanoseconds delta) {
  make_room(next);
  for (Way& to : ways_)
    if (WorkBatch* const batch = batch_of(to); batch != nullptr) batch->clock_stepped(nth, delta);
}

void Steering::finish(FactNumber number, EndReason reason, const FrontStats& stats) {
  make_room(number);
  for (Way& to : ways_)
    if (WorkBatch* const batch = batch_of(to); batch != nullptr)
      batch->finish(number, reason, stats);
}

void Steering::end_round(FactNumber complete_to) {
  for (Way& to : ways_) {
    WorkBatch* const batch = when_behind_ == WhenBehind::wait ? batch_of(to) : batch_now(to);
    if (batch != nullptr) publish(to, complete_to);
  }
}

void Steering::stop(FactNumber complete_to) {
  for (Way& to : ways_) {
    WorkBatch* const batch = batch_of(to);
    if (batch == nullptr) continue;
    batch->stop();
    publish(to, complete_to);
  }
}

}  // namespace dpi
