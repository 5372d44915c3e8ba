// A lane: the flows, their classification, metadata and DNS of a fixed share of all conversations.
// The share is decided by addresses and ports alone, so what a lane does is the same whichever
// worker runs it and however many there are. Owned by one thread; no clock, no log, no random.
#pragma once

#include <cstdint>

#include "dissectors/decode.h"
#include "probe/classify/classifier.h"
#include "probe/dns/dns_tracker.h"
#include "probe/flow/flow_table.h"
#include "probe/flow/loss_signs.h"
#include "probe/metadata/metadata_tracker.h"

namespace dpi {

// Also the greatest number of workers. Limits of flows and transactions are split evenly.
inline constexpr std::uint32_t lane_count = 32;

// Both directions of a conversation, with or without tags and tunnels, meet in one lane. Name
// services that are asked by multicast share one, for their answers come from other addresses.
// By its keyed hash, so that nobody can choose packets that fill the lane of somebody else's
// conversation.
[[nodiscard]] std::uint32_t lane_of(const DirectedKey& key) noexcept;

// One packet on its way to its lane. The views live until the call returns.
struct LanePacket {
  FlowPacket packet;
  const PacketView* classified;  // what nDPI is to see: the packet, or the datagram it completed
  const PacketView* dissected;   // what our own parsers are to see; null: nothing
  // False: the packet was counted before, in a flow of another lane; here it is only dissected (the
  // inside of a tunnel whose outer datagram came in pieces).
  bool counted = true;
};

// Where a fact stands in the order of all facts: by the packet that caused it; of the facts that a
// tick causes, flows come before transactions, each in the order of their first packets.
using FactNumber = std::uint64_t;

// Told about facts.
class FactObserver {
 public:
  virtual ~FactObserver() = default;
  // `metadata` is null where no protocol of ours was seen.
  virtual void flow(FactNumber number, const Flow& flow, EndReason reason, bool final,
                    const Verdict& verdict, const AppMetadata* metadata) = 0;
  virtual void dns(FactNumber number, const DnsTransaction& transaction) = 0;
};

struct LaneStats {
  FlowTableStats flows;
  DnsStats dns;
  AnomalyCounters anomalies;  // of streams and what they carry
  LossSigns loss;

  LaneStats& operator+=(const LaneStats& other) noexcept {
    flows += other.flows;
    dns += other.dns;
    anomalies += other.anomalies;
    loss += other.loss;
    return *this;
  }
};

// Of one lane, or of all together.
struct LaneLimits {
  FlowLimits flows;
  DnsLimits dns;
  MetadataLimits metadata;
  std::size_t stream_bytes_max = 64U << 20U;
};

class Lane final : private FlowObserver, private DnsObserver {
 public:
  Lane(const LaneLimits& limits, HashSeed seed, SlotSpace slots, Classifier& classifier,
       FactObserver& observer);

  void packet(const LanePacket& packet);

  // Ends what is due, in two steps so that lanes can end theirs in one order.
  void collect_due(Timestamp now, std::vector<DueFlow>& flows, std::vector<DnsTracker::Due>& dns);
  void collect_all(EndReason reason, std::vector<DueFlow>& flows,
                   std::vector<DnsTracker::Due>& dns);
  // The clock has stepped by this much.
  void shift(Nanoseconds delta) {
    flows_.shift(delta);
    dns_.shift(delta);
  }
  void end_flow(FactNumber number, const DueFlow& due);
  void end_dns(FactNumber number, const DnsTracker::Due& due);

  [[nodiscard]] LaneStats stats() const noexcept {
    return {flows_.stats(), dns_.stats(), anomalies_, loss_};
  }

 private:
  void dissect(Flow& flow, Side sender, const PacketView& view, Timestamp time);
  void keep(const Flow& flow);
  void flow_ended(const Flow& flow, EndReason reason, bool final) override;
  void transaction_ended(const DnsTransaction& transaction) override;

  Classifier& classifier_;
  FactObserver& observer_;
  FlowTable flows_;
  StreamMemory stream_memory_;
  DnsTracker dns_;
  MetadataTracker metadata_;
  AnomalyCounters anomalies_;
  LossSigns loss_;
  FactNumber number_ = 0;  // of what is being done
};

}  // namespace dpi
