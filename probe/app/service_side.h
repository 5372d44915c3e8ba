// Between the journal and the machine: passes everything on, shows each heartbeat to the service
// board and counts what tells that recorder and workers are alive. The recorder's thread.
#pragma once

#include <atomic>
#include <string>

#include "probe/pipeline/event_journal.h"
#include "probe/service/service_board.h"

namespace dpi {

// Numbers that grow; read by the control thread.
struct Pulses {
  std::atomic<std::uint64_t> recorder{0};
  std::atomic<std::uint64_t> ticks{0};  // through all workers
};

class ServiceSide final : public LiveSide {
 public:
  // All outlive this. `unsandboxed` becomes a reason of every heartbeat.
  ServiceSide(LiveSide& machine, ServiceBoard& board, Pulses& pulses, bool unsandboxed)
      : machine_(machine), board_(board), pulses_(pulses), unsandboxed_(unsandboxed) {}

  SealTime seal_time() override { return machine_.seal_time(); }
  void describe(HeartbeatFacts& facts, std::span<const FrontStats> fronts) override;
  StoredEvents stored() override { return machine_.stored(); }
  void told(const HeartbeatFacts& facts) override;
  void ticked() override { pulses_.ticks.fetch_add(1, std::memory_order_relaxed); }
  void moved() override { pulses_.recorder.fetch_add(1, std::memory_order_relaxed); }

 private:
  LiveSide& machine_;
  ServiceBoard& board_;
  Pulses& pulses_;
  bool unsandboxed_;
  std::string reasons_said_;
};

}  // namespace dpi
