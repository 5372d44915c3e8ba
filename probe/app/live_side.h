// What a live probe's journal learns from the machine: clocks, spool, database, queues.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "probe/pipeline/data_path.h"
#include "probe/store/live_sink.h"

namespace dpi {

class MachineSide final : public LiveSide {
 public:
  // `sinks`: the live sinks among the outputs; they outlive this.
  explicit MachineSide(std::vector<LiveSink*> sinks) : sinks_(std::move(sinks)) {}
  // Once the data path exists.
  void watch(const DataPath& path) noexcept { path_ = &path; }

  SealTime seal_time() override;
  void describe(HeartbeatFacts& facts, std::span<const FrontStats> fronts) override;

 private:
  std::vector<LiveSink*> sinks_;
  const DataPath* path_ = nullptr;
};

// Random per boot; Errc::failure when the kernel does not tell.
[[nodiscard]] Result<Uuid> boot_id();

}  // namespace dpi
