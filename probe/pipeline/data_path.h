// From packets to sealed events: all threads, processes and what they share are put together here.
//
//   front ×F ⇒ worker ×N ⇒ recorder thread (merger → journal → recorder)
//
// ⇒ is a bounded hand-over of batches in shared memory (probe/base/slot_ring.h). A front belongs to
// the thread that polls its source; fronts only meet in the workers' inputs. A worker is a process
// (worker_pool.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probe/pipeline/event_journal.h"
#include "probe/pipeline/fact_recorder.h"
#include "probe/pipeline/front.h"
#include "probe/pipeline/steering.h"
#include "probe/pipeline/worker_pool.h"

namespace dpi {

struct DataPathSettings {
  FrontLimits front;
  FrontSeeds seeds{};
  WhenBehind when_behind = WhenBehind::wait;
  std::span<const LeftOut> left_out{};  // read once
  std::uint64_t told_before = 0;        // see FactRecorder::Settings
  FactRecorder::Died died{};
};

class DataPath {
 public:
  // Its workers begin; they end with join().
  DataPath(const DataPathSettings& settings, WorkerPool& pool, EventJournal& journal,
           const Recorder& recorder);
  DataPath(const DataPath&) = delete;
  DataPath& operator=(const DataPath&) = delete;
  ~DataPath();

  // Only from the thread that polls the front's source.
  [[nodiscard]] Front& front(std::uint32_t index) noexcept { return *fronts_[index]; }
  // After a source's batch has been processed; its bytes are no longer needed.
  void end_round(std::uint32_t front);
  // Once a round, before its end: when a canary is asked for and it is this front's turn, it goes.
  void release_canary(std::uint32_t front);
  // The front has ended, after its finish().
  void stop(std::uint32_t front);
  // From any thread: an event of the probe's own (live only); `type` must live for ever.
  void own_event(std::string_view type, std::string payload) {
    recorder_.own_event(type, std::move(payload));
  }
  // How full the queues are, in batches: the fullest one of each kind, now, or at any moment since
  // the last call of take_waiting_max(), which only the recorder's thread makes.
  struct Waiting {
    std::size_t work = 0;
    std::size_t work_capacity = 0;
    std::size_t facts = 0;
    std::size_t facts_capacity = 0;
  };
  [[nodiscard]] Waiting waiting() const noexcept;
  [[nodiscard]] Waiting take_waiting_max() noexcept;
  // Waits until everything is sealed; every front has stopped.
  void join();
  // Nothing more will be sealed: the recorder has an error, or the workers are gone.
  [[nodiscard]] bool failed() const noexcept { return recorder_.failed() || recorder_.broken(); }
  // The workers are gone.
  [[nodiscard]] bool broken() const noexcept { return recorder_.broken(); }
  // After join(): how much was told, with what was told before.
  [[nodiscard]] std::uint64_t told() const noexcept { return recorder_.told(); }

 private:
  template <class Measure>
  Waiting fullest(Measure measure) const noexcept {
    Waiting out;
    for (WorkerChannel& channel : pool_.channels()) {
      out.facts = std::max<std::size_t>(out.facts, measure(channel.facts));
      out.facts_capacity = channel.facts.capacity();
      for (SlotRing<WorkBatch>& work : channel.work) {
        out.work = std::max<std::size_t>(out.work, measure(work));
        out.work_capacity = work.capacity();
      }
    }
    return out;
  }

  WorkerPool& pool_;
  std::vector<std::unique_ptr<Steering>> ways_;
  std::vector<std::unique_ptr<Front>> fronts_;
  FactRecorder recorder_;
};

}  // namespace dpi
