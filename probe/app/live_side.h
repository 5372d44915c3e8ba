// What a live probe's journal learns from the machine: clocks, interfaces, spool, database, queues.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probe/pipeline/data_path.h"
#include "probe/store/live_sink.h"

namespace dpi {

// What a front reads from.
struct WatchedSource {
  std::string interface;
  std::string_view kind;  // af_packet or dpdk
  bool promiscuous = false;
};

class MachineSide final : public LiveSide {
 public:
  // The sink is among the recorder's and outlives this.
  MachineSide(LiveSink& chain, std::uint64_t spool_cap_bytes);
  // Once the data path exists; by front.
  void watch(DataPath& path, std::vector<WatchedSource> sources, std::uint64_t workers);

  SealTime seal_time() override;
  void describe(HeartbeatFacts& facts, std::span<const FrontStats> fronts) override;
  StoredEvents stored() override;

 private:
  void say_trouble(const std::string& trouble);
  void describe_spool(HeartbeatFacts& facts);
  void describe_interfaces(HeartbeatFacts& facts, std::span<const FrontStats> fronts) const;

  LiveSink& chain_;
  std::uint64_t spool_cap_bytes_;
  DataPath* path_ = nullptr;
  std::vector<WatchedSource> sources_;
  std::uint64_t workers_ = 0;
  std::uint64_t started_us_;
  std::string trouble_;  // said last
};

// One line for each place where the spool is damaged; what is sound is kept and sent.
void say_damage(const std::string& damage);

// Random per boot; Errc::failure when the kernel does not tell.
[[nodiscard]] Result<Uuid> boot_id();

}  // namespace dpi
