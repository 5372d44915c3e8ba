#include "probe/store/postgres_sink.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

namespace dpi {
namespace {

using Clock = std::chrono::steady_clock;

class PostgresSink final : public EventSink {
 public:
  PostgresSink(PostgresSinkOptions options, std::unique_ptr<SpoolWriter> writer, SpoolReader reader)
      : options_(std::move(options)),
        spool_(std::move(writer)),
        shipper_(options_.target, std::move(reader)),
        thread_([this] { ship(); }) {}
  PostgresSink(const PostgresSink&) = delete;
  PostgresSink& operator=(const PostgresSink&) = delete;
  ~PostgresSink() override { join(); }

  Result<void> event(std::uint64_t seq, std::string_view envelope,
                     std::string_view payload) override {
    return spool_.event(seq, envelope, payload);
  }
  Result<void> checkpoint(std::string_view note, const ChainHead& head) override {
    auto committed = spool_.checkpoint(note, head);
    wake_.notify_one();
    return committed;
  }
  Result<void> finish() override {
    join();
    if (!shipped_) {
      return fail(
          shipped_.error().code,
          fmt::format(
              "{}; {} events were stored, everything is kept in {}: run the same command again",
              shipped_.error().what, shipper_.report().stored, options_.spool_folder.string()));
    }
    const ShipReport& report = shipper_.report();
    std::fprintf(stderr, "ransomeye-dpi: postgres: %llu events stored, %llu were there already\n",
                 static_cast<unsigned long long>(report.stored),
                 static_cast<unsigned long long>(report.known));
    std::error_code ignored;
    std::filesystem::remove_all(options_.spool_folder, ignored);
    return {};
  }

 private:
  void join() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  // The shipping thread: until everything is out, or the end has come and patience is over.
  void ship() {
    std::optional<Clock::time_point> deadline;
    std::chrono::milliseconds pause{100};
    for (;;) {
      bool ending = false;
      {
        const std::scoped_lock lock(mutex_);
        ending = ending_;
      }
      const std::uint64_t upto = spool_.writer().durable_commit();
      shipped_ = shipper_.ship(upto);
      if (shipper_.refused()) return;
      if (shipped_ && ending && upto == spool_.writer().durable_commit()) return;
      if (ending && !deadline) deadline = Clock::now() + options_.patience;
      if (!shipped_ && deadline && Clock::now() >= *deadline) return;
      pause = shipped_ ? std::chrono::milliseconds{100}
                       : std::min(pause * 2, std::chrono::milliseconds{2000});
      std::unique_lock lock(mutex_);
      const auto woken = [&] {
        return (ending_ && !ending) || spool_.writer().durable_commit() != upto;
      };
      if (shipped_) {
        wake_.wait_for(lock, pause, woken);
      } else {
        wake_.wait_for(lock, pause, [&] { return ending_ && !ending; });
      }
    }
  }

  PostgresSinkOptions options_;
  SpoolSink spool_;
  Shipper shipper_;
  Result<void> shipped_;  // the shipping thread's until it has been joined
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<EventSink>> open_postgres_sink(PostgresSinkOptions options) {
  std::error_code failed;
  std::filesystem::create_directories(options.spool_folder.parent_path(), failed);
  if (failed) {
    return fail(Errc::sink,
                fmt::format("{}: cannot be created: {}; set spool.dir to a folder that can",
                            options.spool_folder.parent_path().string(), failed.message()));
  }
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
