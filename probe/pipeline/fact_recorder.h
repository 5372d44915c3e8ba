// The recorder's thread: merges the facts of all workers and gives them to the journal.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "probe/pipeline/event_journal.h"
#include "probe/pipeline/fact_merger.h"
#include "probe/pipeline/worker.h"

namespace dpi {

// With one front facts have one order, whatever the workers do; several fronts have none in common.
enum class FactOrder : std::uint8_t { by_number, as_they_come };

class FactRecorder {
 public:
  FactRecorder(std::vector<Worker*> workers, std::uint32_t fronts, Doorbell& bell,
               EventJournal& journal, const Recorder& recorder);
  FactRecorder(const FactRecorder&) = delete;
  FactRecorder& operator=(const FactRecorder&) = delete;
  // Waits for the last fact of every worker.
  ~FactRecorder();

  // From any thread: an event of the probe's own, with what it says; `type` must live for ever.
  void own_event(std::string_view type, std::string payload);
  // The recorder has an error: nothing more will be sealed.
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }

 private:
  void run();
  bool collect();
  void record(const FactMerger::Next& next);
  void record_all(std::size_t worker, FactBatch* batch);
  void add_stats(std::size_t worker, const Fact& fact, const PipelineStats& part);
  [[nodiscard]] PipelineStats sum() const noexcept;
  void record_own_events();

  std::vector<Worker*> workers_;
  FactOrder order_;
  Doorbell& bell_;
  EventJournal& journal_;
  const Recorder& recorder_;
  FactMerger merger_;
  std::vector<bool> ended_;
  std::vector<FrontStats> fronts_;
  std::vector<LaneStats> lanes_;
  std::size_t parts_ = 0;  // of the tick that is being added up
  std::atomic<bool> failed_{false};
  std::mutex own_mutex_;
  std::vector<std::pair<std::string_view, std::string>> own_;  // type and payload
  std::thread thread_;
};

}  // namespace dpi
