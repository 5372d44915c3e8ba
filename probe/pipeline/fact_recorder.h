// The recorder's thread: merges the facts of all workers and gives them to the journal.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "probe/pipeline/event_journal.h"
#include "probe/pipeline/fact_merger.h"
#include "probe/pipeline/worker_pool.h"

namespace dpi {

// With one front facts have one order, whatever the workers do; several fronts have none in common.
enum class FactOrder : std::uint8_t { by_number, as_they_come };

class FactRecorder {
 public:
  // On the recorder's thread, for each worker that has died: the payload of a worker.crash, or
  // nothing.
  using Died = std::function<std::string(const WorkerDeath&)>;
  struct Settings {
    // Of what is told, in order, so much has been before (a replay that begins again).
    std::uint64_t told_before = 0;
    Died died{};
  };
  FactRecorder(WorkerPool& pool, EventJournal& journal, const Recorder& recorder,
               Settings settings);
  FactRecorder(const FactRecorder&) = delete;
  FactRecorder& operator=(const FactRecorder&) = delete;
  ~FactRecorder();

  // Waits for the last fact of every worker, or for the end of the workers.
  void join();

  // From any thread: an event of the probe's own, with what it says; `type` must live for ever.
  void own_event(std::string_view type, std::string payload);
  // The recorder has an error: nothing more will be sealed.
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }
  // The workers have ended before everything was told: a worker died that is not started again, or
  // the supervisor is gone.
  [[nodiscard]] bool broken() const noexcept { return broken_.load(std::memory_order_relaxed); }
  // Of facts, ticks and ends, with those before. After join().
  [[nodiscard]] std::uint64_t told() const noexcept { return told_; }

 private:
  // What is known of one worker's counters.
  struct Part {
    std::uint32_t incarnation = 0;
    LaneStats before;  // of those that died
    LaneStats now;
    FlowTableStats flows_since;  // records told since `now`
    DnsStats dns_since;
    WorkerLosses lost;
  };

  void run();
  bool collect();
  void look_for_deaths();
  void record(const FactMerger::Next& next);
  void record_all(std::size_t worker, const FactBatch& batch);
  void begin_anew(Part& part, std::uint32_t incarnation);
  void add_stats(std::size_t worker, const Fact& fact, const PipelineStats& stats);
  void tell_pending();
  [[nodiscard]] PipelineStats sum() const noexcept;
  [[nodiscard]] bool tells() noexcept { return told_++ >= settings_.told_before; }
  void record_own_events();

  WorkerPool& pool_;
  FactOrder order_;
  EventJournal& journal_;
  const Recorder& recorder_;
  Settings settings_;
  FactMerger merger_;
  std::vector<bool> ended_;
  std::vector<FrontStats> fronts_;
  std::vector<Part> parts_;
  std::string payload_;
  std::optional<Fact> pending_;    // a tick or end that not all workers have told
  std::size_t pending_parts_ = 0;  // how many have
  std::uint64_t told_ = 0;
  std::atomic<bool> failed_{false};
  std::atomic<bool> broken_{false};
  std::mutex own_mutex_;
  std::vector<std::pair<std::string_view, std::string>> own_;  // type and payload
  std::thread thread_;
};

}  // namespace dpi
