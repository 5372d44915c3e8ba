#include "probe/pipeline/data_path.h"

#include "probe/base/check.h"
#include "probe/pipeline/fact_recorder.h"

namespace dpi {
namespace {

class OneThread final : public DataPath, private FactBatchSink {
 public:
  OneThread(const DataPathSettings& settings, std::unique_ptr<Classifier> classifier,
            EventJournal& journal, const Recorder& recorder)
      : journal_(journal),
        recorder_(recorder),
        encoder_(*this, &batch_),
        lanes_(settings.limits, settings.seed, std::move(classifier), encoder_) {}

  Front& front(std::uint32_t) override { return lanes_.front(); }
  void end_round(std::uint32_t, Batch&& batch) override {
    encoder_.flush(lanes_.front().last_number());
    batch.clear();
  }
  void stop(std::uint32_t) override { encoder_.flush(lanes_.front().last_number()); }
  void own_event(std::string_view type, std::string payload) override {
    journal_.own_event(type, payload);
  }
  void join() override {}
  bool failed() const noexcept override { return recorder_.error().has_value(); }

 private:
  FactBatch* hand_over(FactBatch* full) override {
    for (const Fact& fact : full->facts) {
      if (fact.kind == FactKind::tick) {
        journal_.tick(fact.time, full->stats[fact.first]);
      } else if (fact.kind == FactKind::capture_end) {
        journal_.capture_ended(full->stats[fact.first]);
      } else {
        journal_.fact(fact, full->payload(fact));
      }
    }
    full->clear();
    return full;
  }

  EventJournal& journal_;
  const Recorder& recorder_;
  FactBatch batch_;
  FactEncoder encoder_;
  Pipeline lanes_;
};

class ManyThreads final : public DataPath {
 public:
  ManyThreads(const DataPathSettings& settings,
              std::vector<std::unique_ptr<Classifier>> classifiers, EventJournal& journal,
              const Recorder& recorder)
      : canary_(settings.canary) {
    std::vector<Worker*> workers;
    for (std::uint32_t w = 0; w < classifiers.size(); ++w) {
      const WorkerSettings worker{
          .limits = settings.limits.lanes,
          .seed = settings.seed,
          .index = w,
          .workers = static_cast<std::uint32_t>(classifiers.size()),
          .fronts = settings.fronts,
          .work_batches = settings.work_batches,
          .fact_batches = settings.fact_batches,
          .cpu = w < settings.worker_cpus.size() ? settings.worker_cpus[w] : -1,
          .canary = settings.canary};
      workers_.push_back(std::make_unique<Worker>(worker, std::move(classifiers[w]), bell_));
      workers.push_back(workers_.back().get());
    }
    for (std::uint32_t f = 0; f < settings.fronts; ++f) {
      ways_.push_back(std::make_unique<Steering>(workers, f, settings.when_behind));
      fronts_.push_back(
          std::make_unique<Front>(settings.limits.front, *ways_[f], f, settings.fronts));
    }
    recorder_ = std::make_unique<FactRecorder>(workers, settings.fronts, bell_, journal, recorder);
  }

  Front& front(std::uint32_t index) override { return *fronts_[index]; }
  void end_round(std::uint32_t front, Batch&& batch) override {
    ways_[front]->end_round(fronts_[front]->last_number(),
                            std::make_shared<const Batch>(std::move(batch)));
    batch.clear();
  }
  void release_canary(std::uint32_t front) override {
    if (canary_ == nullptr) return;
    const std::uint64_t asked = canary_->asked.load(std::memory_order_relaxed);
    if (asked % fronts_.size() != front || asked == 0 ||
        canary_->decoded.load(std::memory_order_relaxed) >= asked)
      return;
    if (fronts_[front]->release_canary(asked))
      canary_->decoded.store(asked, std::memory_order_relaxed);
  }
  void stop(std::uint32_t front) override { ways_[front]->stop(fronts_[front]->last_number()); }
  void own_event(std::string_view type, std::string payload) override {
    recorder_->own_event(type, std::move(payload));
  }
  Waiting waiting() const noexcept override {
    return fullest([](const auto& exchange) { return exchange.waiting(); });
  }
  Waiting take_waiting_max() noexcept override {
    return fullest([](auto& exchange) { return exchange.take_waiting_max(); });
  }
  void join() override {
    recorder_.reset();
    workers_.clear();
  }
  bool failed() const noexcept override { return recorder_ && recorder_->failed(); }

 private:
  template <class Measure>
  Waiting fullest(Measure measure) const noexcept {
    Waiting out;
    for (const auto& worker : workers_) {
      out.facts = std::max(out.facts, measure(worker->facts()));
      out.facts_capacity = worker->facts().capacity();
      out.work_capacity = worker->work(0).capacity();
      for (std::uint32_t f = 0; f < fronts_.size(); ++f)
        out.work = std::max(out.work, measure(worker->work(f)));
    }
    return out;
  }

  CanaryProgress* canary_;
  Doorbell bell_;  // the recorder's
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Steering>> ways_;
  std::vector<std::unique_ptr<Front>> fronts_;
  std::unique_ptr<FactRecorder> recorder_;
};

}  // namespace

std::unique_ptr<DataPath> make_data_path(const DataPathSettings& settings,
                                         std::vector<std::unique_ptr<Classifier>> classifiers,
                                         EventJournal& journal, const Recorder& recorder) {
  DPI_CHECK(!classifiers.empty() && classifiers.size() <= lane_count && settings.fronts > 0);
  if (settings.one_thread) {
    DPI_CHECK(classifiers.size() == 1 && settings.fronts == 1);
    return std::make_unique<OneThread>(settings, std::move(classifiers[0]), journal, recorder);
  }
  return std::make_unique<ManyThreads>(settings, std::move(classifiers), journal, recorder);
}

}  // namespace dpi
