#include "probe/pipeline/steering.h"

namespace dpi {

Steering::Steering(std::vector<Worker*> workers, std::uint32_t front, WhenBehind when_behind)
    : front_(front), when_behind_(when_behind) {
  for (Worker* const worker : workers) ways_.push_back({worker, nullptr});
}

WorkBatch& Steering::batch_of(Way& to) {
  if (to.batch == nullptr) to.batch = to.worker->work(front_).acquire();
  return *to.batch;
}

WorkBatch* Steering::batch_now(Way& to) {
  if (to.batch == nullptr) to.batch = to.worker->work(front_).try_acquire();
  return to.batch;
}

bool Steering::packet(std::uint32_t lane, const LanePacket& packet) {
  Way& to = ways_[lane % ways_.size()];
  if (when_behind_ == WhenBehind::wait) {
    batch_of(to).packet(lane, packet);
    return true;
  }
  WorkBatch* const batch = batch_now(to);
  if (batch == nullptr) return false;
  batch->packet(lane, packet);
  return true;
}

bool Steering::canary(std::uint64_t canary, const LanePacket& packet, bool last) {
  WorkBatch* const batch = batch_now(ways_[canary % ways_.size()]);
  if (batch == nullptr) return false;
  batch->canary(canary, packet, last);
  return true;
}

// A tick that a worker is too far behind to take is not missed: the next one says more.
void Steering::tick(FactNumber number, Timestamp now, const FrontStats& stats) {
  for (Way& to : ways_) {
    if (when_behind_ == WhenBehind::wait) {
      batch_of(to).tick(number, now, stats);
    } else if (WorkBatch* const batch = batch_now(to); batch != nullptr) {
      batch->tick(number, now, stats);
    }
  }
}

// Rare, and not to be missed: it waits.
void Steering::clock_stepped(std::uint64_t nth, Nanoseconds delta) {
  for (Way& to : ways_) batch_of(to).clock_stepped(nth, delta);
}

void Steering::finish(FactNumber number, EndReason reason, const FrontStats& stats) {
  for (Way& to : ways_) batch_of(to).finish(number, reason, stats);
}

void Steering::end_round(FactNumber complete_to, std::shared_ptr<const Batch> memory) {
  for (Way& to : ways_) {
    if (when_behind_ == WhenBehind::shed && batch_now(to) == nullptr) continue;
    WorkBatch& batch = batch_of(to);
    batch.close(complete_to, memory);
    to.worker->publish(front_, &batch);
    to.batch = nullptr;
  }
}

void Steering::stop(FactNumber complete_to) {
  for (Way& to : ways_) {
    batch_of(to).stop();
    to.batch->close(complete_to, nullptr);
    to.worker->publish(front_, to.batch);
    to.batch = nullptr;
  }
}

}  // namespace dpi
