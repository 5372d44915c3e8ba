#include "probe/store/side_sink.h"

#include <optional>
#include <utility>

namespace dpi {
namespace {

class SideSink final : public EventSink {
 public:
  SideSink(std::unique_ptr<EventSink> sink, std::function<void(const Error&)> failed)
      : sink_(std::move(sink)), failed_(std::move(failed)) {}

  void idle() override {
    if (!error_) sink_->idle();
  }
  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    if (!error_) keep(sink_->event(seq, envelope, payload));
    return {};
  }
  Result<void> checkpoint(std::string_view note, const ChainHead& head) override {
    if (!error_) keep(sink_->checkpoint(note, head));
    return {};
  }
  Result<void> finish() override {
    if (error_) return tl::unexpected(*error_);
    return sink_->finish();
  }

 private:
  void keep(const Result<void>& result) {
    if (result) return;
    error_ = result.error();
    failed_(*error_);
  }

  std::unique_ptr<EventSink> sink_;
  std::function<void(const Error&)> failed_;
  std::optional<Error> error_;
};

}  // namespace

std::unique_ptr<EventSink> beside(std::unique_ptr<EventSink> sink,
                                  std::function<void(const Error&)> failed) {
  return std::make_unique<SideSink>(std::move(sink), std::move(failed));
}

}  // namespace dpi
