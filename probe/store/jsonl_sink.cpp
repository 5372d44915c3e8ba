#include "probe/store/jsonl_sink.h"

#include "probe/envelope/exchange_line.h"

namespace dpi {
namespace {

class JsonlSink final : public FileSink {
 public:
  explicit JsonlSink(AppendFile file) : file_(std::move(file)) {}

  Result<void> event(std::uint64_t /*seq*/, std::string_view envelope,
                     std::string_view payload) override {
    append_event_line(file_.lines(), {envelope, payload});
    file_.lines() += '\n';
    return file_.flush_full();
  }
  Result<void> checkpoint(std::string_view note, const ChainHead& /*head*/) override {
    append_checkpoint_line(file_.lines(), note);
    file_.lines() += '\n';
    return {};
  }
  Result<void> finish() override { return file_.close(); }
  std::span<AppendFile> files() noexcept override { return {&file_, 1}; }

 private:
  AppendFile file_;
};

}  // namespace

Result<std::unique_ptr<FileSink>> open_jsonl_sink(const std::string& path,
                                                  AppendFile::Begin begin) {
  auto file = AppendFile::open(path, {}, "jsonl:PATH", begin);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<JsonlSink>(std::move(*file));
}

}  // namespace dpi
