#include "probe/store/postgres_sink.h"

#include <fmt/format.h>

#include <cstdio>

#include "probe/spool/spool_folder.h"
#include "probe/store/shipping.h"

namespace dpi {
namespace {

class PostgresSink final : public EventSink {
 public:
  PostgresSink(PostgresSinkOptions options, std::unique_ptr<SpoolWriter> writer, SpoolReader reader)
      : options_(std::move(options)),
        spool_(std::move(writer)),
        shipping_(Shipper(options_.target, std::move(reader)),
                  [this] { return spool_.writer().durable_commit(); },
                  {.patience = options_.patience, .to_the_end = true}) {}

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    return spool_.event(seq, envelope, payload);
  }
  Result<void> checkpoint(std::string_view note, const ChainHead& head) override {
    auto committed = spool_.checkpoint(note, head);
    shipping_.wake();
    return committed;
  }
  Result<void> finish() override {
    const auto shipped = shipping_.stop();
    const ShipReport& report = shipping_.report();
    if (!shipped && shipped.error().code == Errc::usage) {
      // The same command would be refused again: there is nothing to keep.
      std::error_code ignored;
      std::filesystem::remove_all(options_.spool_folder, ignored);
      return shipped;
    }
    if (!shipped) {
      return fail(
          shipped.error().code,
          fmt::format(
              "{}; {} events were stored, everything is kept in {}: run the same command again",
              shipped.error().what, report.stored, options_.spool_folder.string()));
    }
    std::fprintf(stderr, "ransomeye-dpi: postgres: %llu events stored, %llu were there already\n",
                 static_cast<unsigned long long>(report.stored),
                 static_cast<unsigned long long>(report.known));
    std::error_code ignored;
    std::filesystem::remove_all(options_.spool_folder, ignored);
    return {};
  }

 private:
  PostgresSinkOptions options_;
  SpoolSink spool_;
  Shipping shipping_;  // last: it reads the spool
};

}  // namespace

Result<std::unique_ptr<EventSink>> open_postgres_sink(PostgresSinkOptions options) {
  if (auto made = create_folders(posix_storage(), options.spool_folder.parent_path()); !made)
    return tl::unexpected(made.error());
  auto writer = SpoolWriter::open(options.spool_folder, options.target.instance, options.spool);
  const bool damaged = !writer && writer.error().code == Errc::verification;
  const bool left_behind = writer && (*writer)->next_seq() != 0;
  if (damaged || left_behind) {
    // By an earlier run of the same replay, which this one repeats byte for byte.
    if (writer) writer->reset();
    std::error_code ignored;
    std::filesystem::remove_all(options.spool_folder, ignored);
    writer = SpoolWriter::open(options.spool_folder, options.target.instance, options.spool);
  }
  if (!writer) return tl::unexpected(writer.error());
  auto reader = SpoolReader::open(options.spool_folder);
  if (!reader) return tl::unexpected(reader.error());
  return std::make_unique<PostgresSink>(std::move(options), std::move(*writer), std::move(*reader));
}

}  // namespace dpi
