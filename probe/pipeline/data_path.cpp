#include "probe/pipeline/data_path.h"

#include <algorithm>

namespace dpi {
namespace {

WorkerPool& begun(WorkerPool& pool, std::span<const LeftOut> left_out) {
  pool.begin(left_out);
  return pool;
}

}  // namespace

DataPath::DataPath(const DataPathSettings& settings, WorkerPool& pool, EventJournal& journal,
                   const Recorder& recorder)
    : pool_(begun(pool, settings.left_out)),
      recorder_(pool, journal, recorder, {settings.told_before, settings.died}) {
  std::vector<WorkerChannel*> channels;
  for (WorkerChannel& channel : pool_.channels()) channels.push_back(&channel);
  const auto gone = [this] { return recorder_.broken(); };
  for (std::uint32_t f = 0; f < pool_.fronts(); ++f) {
    ways_.push_back(std::make_unique<Steering>(channels, f, settings.when_behind, gone));
    fronts_.push_back(
        std::make_unique<Front>(settings.front, settings.seeds, *ways_[f], f, pool_.fronts()));
  }
}

DataPath::~DataPath() {
  pool_.end();
}

void DataPath::end_round(std::uint32_t front) {
  ways_[front]->end_round(fronts_[front]->last_number());
}

void DataPath::release_canary(std::uint32_t front) {
  CanaryProgress& canary = pool_.canary();
  const std::uint64_t asked = canary.asked.load(std::memory_order_relaxed);
  if (asked % fronts_.size() != front || asked == 0 ||
      canary.decoded.load(std::memory_order_relaxed) >= asked)
    return;
  if (fronts_[front]->release_canary(asked)) canary.decoded.store(asked, std::memory_order_relaxed);
}

void DataPath::stop(std::uint32_t front) {
  ways_[front]->stop(fronts_[front]->last_number());
}

DataPath::Waiting DataPath::waiting() const noexcept {
  return fullest([](const auto& ring) { return ring.waiting(); });
}

DataPath::Waiting DataPath::take_waiting_max() noexcept {
  return fullest([](auto& ring) { return ring.take_waiting_max(); });
}

void DataPath::join() {
  recorder_.join();
}

}  // namespace dpi
