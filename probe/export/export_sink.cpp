#include "probe/export/export_sink.h"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "probe/export/csv.h"
#include "probe/export/ecs.h"
#include "probe/export/eve.h"
#include "probe/export/exported_event.h"

namespace dpi {
namespace {

class RecordSink final : public FileSink {
 public:
  RecordSink(AppendFile file, std::unique_ptr<RecordFormat> format)
      : file_(std::move(file)), format_(std::move(format)) {}

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    if (!event_.read(seq, envelope, payload)) return unreadable_event(seq);
    format_->append(file_.lines(), event_);
    return file_.flush_full();
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    return file_.flush();
  }
  Result<void> finish() override { return file_.close(); }
  std::span<AppendFile> files() noexcept override { return {&file_, 1}; }

 private:
  AppendFile file_;
  std::unique_ptr<RecordFormat> format_;
  ExportedEvent event_;
};

class CsvSink final : public FileSink {
 public:
  // A file for each of row_mappings(), in their order.
  explicit CsvSink(std::vector<AppendFile> files) : files_(std::move(files)) {}

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    if (!event_.read(seq, envelope, payload)) return unreadable_event(seq);
    const RowMapping* const row = row_mapping(event_.type());
    if (row == nullptr) return {};
    AppendFile& file = files_[static_cast<std::size_t>(row - row_mappings().data())];
    append_csv_row(file.lines(), *row, event_);
    return file.flush_full();
  }
  Result<void> checkpoint(std::string_view /*note*/, const ChainHead& /*head*/) override {
    return each(&AppendFile::flush);
  }
  Result<void> finish() override { return each(&AppendFile::close); }
  std::span<AppendFile> files() noexcept override { return files_; }

 private:
  Result<void> each(Result<void> (AppendFile::*what)()) {
    for (AppendFile& file : files_)
      if (auto done = (file.*what)(); !done) return done;
    return {};
  }

  std::vector<AppendFile> files_;
  ExportedEvent event_;
};

template <class Format>
Result<std::unique_ptr<FileSink>> open_records(const std::string& path, std::string_view option) {
  auto file = AppendFile::open(path, {}, option);
  if (!file) return tl::unexpected(file.error());
  return std::make_unique<RecordSink>(std::move(*file), std::make_unique<Format>());
}

}  // namespace

Result<std::unique_ptr<FileSink>> open_eve_sink(const std::string& path) {
  return open_records<EveFormat>(path, "eve:PATH");
}

Result<std::unique_ptr<FileSink>> open_ecs_sink(const std::string& path) {
  return open_records<EcsFormat>(path, "ecs:PATH");
}

Result<std::unique_ptr<FileSink>> open_csv_sink(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return fail(Errc::sink, fmt::format("{}: cannot be made: {}; choose another --out csv:FOLDER",
                                        folder, error.message()));
  }
  std::vector<AppendFile> files;
  for (const RowMapping& row : row_mappings()) {
    auto file =
        AppendFile::open(fmt::format("{}/{}.csv", folder, row.row), csv_header(row), "csv:FOLDER");
    if (!file) return tl::unexpected(file.error());
    files.push_back(std::move(*file));
  }
  return std::make_unique<CsvSink>(std::move(files));
}

}  // namespace dpi
