// One live source and its front on a thread of their own, until told to stop.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "capture/bpf_filter.h"
#include "capture/packet_source.h"
#include "probe/pipeline/data_path.h"

namespace dpi {

class CaptureThread {
 public:
  // `filter` for sources without one of their own.
  CaptureThread(std::unique_ptr<PacketSource> source, DataPath& path, std::uint32_t front,
                std::size_t batch_packets, std::optional<BpfFilter> filter = std::nullopt);
  CaptureThread(const CaptureThread&) = delete;
  CaptureThread& operator=(const CaptureThread&) = delete;
  ~CaptureThread();

  void stop() noexcept { stopping_.store(true, std::memory_order_relaxed); }
  // Ended by itself: its source gave an error, which is in error() then.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  // Polls so far: stands still when the thread does.
  [[nodiscard]] std::uint64_t rounds() const noexcept {
    return rounds_.load(std::memory_order_relaxed);
  }

 private:
  void run();
  void say_warnings();
  void process(const Batch& batch);
  void watch_clock();

  std::unique_ptr<PacketSource> source_;
  DataPath& path_;
  std::uint32_t front_;
  std::size_t batch_packets_;
  std::optional<BpfFilter> filter_;
  std::size_t warnings_said_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> rounds_{0};
  std::string error_;
  std::thread thread_;
};

}  // namespace dpi
