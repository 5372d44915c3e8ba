// From packets to sealed events: all threads, rings and their sizes are declared here.
//
//   one thread      front → lanes → journal → recorder
//   several         front ×F ⇒ worker ×N ⇒ recorder thread (merger → journal → recorder)
//
// ⇒ is a bounded exchange of batches (probe/base/exchange.h). A front belongs to the thread that
// polls its source; fronts only meet in the workers' inputs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "probe/pipeline/event_journal.h"
#include "probe/pipeline/front.h"
#include "probe/pipeline/steering.h"

namespace dpi {

struct DataPathSettings {
  PipelineLimits limits;
  HashSeed seed;
  std::uint32_t fronts = 1;
  WhenBehind when_behind = WhenBehind::wait;
  bool one_thread = false;           // needs one front and one classifier
  std::vector<int> worker_cpus{};    // to run on, by worker; missing or -1: any
  std::size_t work_batches = 8;      // rounds between a front and a worker
  std::size_t fact_batches = 8;      // batches between a worker and the recorder
  CanaryProgress* canary = nullptr;  // live only; outlives the path
};

class DataPath {
 public:
  virtual ~DataPath() = default;
  // Only from the thread that polls the front's source.
  [[nodiscard]] virtual Front& front(std::uint32_t index) = 0;
  // After a source's batch has been processed: keeps its bytes for as long as they are needed.
  virtual void end_round(std::uint32_t front, Batch&& batch) = 0;
  // Once a round, before its end: when a canary is asked for and it is this front's turn, it goes.
  virtual void release_canary(std::uint32_t /*front*/) {}
  // The front has ended, after its finish().
  virtual void stop(std::uint32_t front) = 0;
  // From any thread: an event of the probe's own (live only); `type` must live for ever.
  virtual void own_event(std::string_view type, std::string payload) = 0;
  // How full the exchanges are, in batches: the fullest one of each kind, now, or at any moment
  // since the last call of take_waiting_max(), which only the recorder's thread makes.
  struct Waiting {
    std::size_t work = 0;
    std::size_t work_capacity = 0;
    std::size_t facts = 0;
    std::size_t facts_capacity = 0;
  };
  [[nodiscard]] virtual Waiting waiting() const noexcept { return {}; }
  [[nodiscard]] virtual Waiting take_waiting_max() noexcept { return {}; }
  // Waits until everything is sealed; every front has stopped.
  virtual void join() = 0;
  // The recorder has an error: nothing more will be sealed.
  [[nodiscard]] virtual bool failed() const noexcept = 0;
};

// One classifier a worker.
[[nodiscard]] std::unique_ptr<DataPath> make_data_path(
    const DataPathSettings& settings, std::vector<std::unique_ptr<Classifier>> classifiers,
    EventJournal& journal, const Recorder& recorder);

}  // namespace dpi
