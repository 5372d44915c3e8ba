#include "probe/report/replay_report.h"

#include "probe/report/report_page.h"

namespace dpi {

class ReplayReport::Sink final : public EventSink {
 public:
  explicit Sink(ReplayReport& report) : report_(report) {}
  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    note(report_.verifier_.add_event(envelope, payload));
    if (report_.event_.read(seq, envelope, payload)) report_.facts_.add(report_.event_);
    return {};
  }
  Result<void> checkpoint(std::string_view note_text, const ChainHead& /*head*/) override {
    note(report_.verifier_.add_checkpoint(note_text));
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  void note(const Result<void>& held) {
    if (!held && report_.wrong_.empty()) report_.wrong_ = held.error().what;
  }
  ReplayReport& report_;
};

std::unique_ptr<EventSink> ReplayReport::sink() {
  return std::make_unique<Sink>(*this);
}

std::string ReplayReport::page(const std::vector<std::string>& captures,
                               const std::vector<std::string>& warnings) const {
  ReportProof proof{
      .chain = verifier_.report(), .last_hash = verifier_.last_hash(), .wrong = wrong_};
  if (const auto whole = verifier_.finish(); !whole && proof.wrong.empty())
    proof.wrong = whole.error().what;
  return report_page(facts_, proof, captures, warnings);
}

}  // namespace dpi
