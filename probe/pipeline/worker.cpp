#include "probe/pipeline/worker.h"

#include <pthread.h>
#include <sched.h>

#include <bit>
#include <limits>

namespace dpi {
namespace {

// What a batch says, done by the lanes of one worker; its ticks carry the front's counters once.
struct Player {
  LaneGroup& lanes;
  FactEncoder& facts;
  bool first_worker;

  void packet(std::uint32_t lane, const LanePacket& packet) { lanes.packet(lane, packet); }
  void tick(FactNumber number, Timestamp now, const FrontStats& front) {
    lanes.tick(number, now);
    facts.tick(number, now, {first_worker ? front : FrontStats{}, lanes.stats()});
  }
  void canary(std::uint64_t canary, const LanePacket& packet, bool last) {
    facts.mark_canary(canary);
    lanes.canary(packet, last);
    facts.mark_canary(0);
  }
  void clock_stepped(std::uint64_t nth, Nanoseconds delta) { lanes.clock_stepped(nth, delta); }
  void finish(FactNumber number, EndReason reason, const FrontStats& front) {
    lanes.finish(number, reason);
    facts.capture_ended(number, {first_worker ? front : FrontStats{}, lanes.stats()});
  }
};

// Not being able to is no fault: the machine may have fewer processors.
void run_on(int cpu) noexcept {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

}  // namespace

Worker::Worker(const WorkerSettings& settings, std::unique_ptr<Classifier> classifier,
               Doorbell& recorder)
    : settings_(settings),
      recorder_(recorder),
      facts_(std::bit_ceil(settings.fact_batches)),
      encoder_(*this, facts_.acquire(), settings.canary),
      lanes_(settings.limits, settings.seed, std::move(classifier), encoder_, settings.index,
             settings.workers),
      fronts_left_(settings.fronts) {
  for (std::uint32_t f = 0; f < settings.fronts; ++f)
    work_.push_back(std::make_unique<Exchange<WorkBatch>>(std::bit_ceil(settings.work_batches)));
  thread_ = std::thread([this] { run(); });
}

Worker::~Worker() {
  thread_.join();
}

FactBatch* Worker::hand_over(FactBatch* full) {
  facts_.publish(full);
  recorder_.ring();
  FactBatch* const next = facts_.acquire();
  next->clear();
  return next;
}

void Worker::run() {
  run_on(settings_.cpu);
  while (fronts_left_ > 0) {
    const std::uint32_t rung = bell_.rung();
    bool any = false;
    for (std::uint32_t f = 0; f < settings_.fronts; ++f) any = look_at(f) || any;
    if (!any) bell_.wait(rung);
  }
  encoder_.flush(std::numeric_limits<FactNumber>::max());
}

bool Worker::look_at(std::uint32_t front) {
  WorkBatch* const batch = work_[front]->try_take();
  if (batch == nullptr) return false;
  Player player{lanes_, encoder_, settings_.index == 0};
  batch->play(player);
  if (batch->stopped()) --fronts_left_;
  encoder_.flush(batch->complete_to());
  batch->clear();
  work_[front]->give_back(batch);
  return true;
}

}  // namespace dpi
