// A lane: the flows, their classification and their DNS of a fixed share of all conversations. The
// share is decided by addresses and ports alone, so what a lane does is the same whichever worker
// runs it and however many there are. Owned by one thread; no clock, no log, no random.
#pragma once

#include <cstdint>

#include "dissectors/decode.h"
#include "probe/classify/classifier.h"
#include "probe/dns/dns_tracker.h"
#include "probe/flow/flow_table.h"

namespace dpi {

// Also the greatest number of workers. Limits of flows and transactions are split evenly.
inline constexpr std::uint32_t lane_count = 32;

// Both directions of a conversation, with or without tags and tunnels, meet in one lane. Name
// services that are asked by multicast share one, for their answers come from other addresses.
[[nodiscard]] std::uint32_t lane_of(const FlowKey& key) noexcept;

// One packet on its way to its lane. The views live until the call returns.
struct LanePacket {
  FlowPacket packet;
  const PacketView* classified;  // what nDPI is to see: the packet, or the datagram it completed
  const PacketView* dissected;   // what our own parsers are to see; null: nothing
};

// Where a fact stands in the order of all facts: by the packet that caused it; of the facts that a
// tick causes, flows come before transactions, each in the order of their first packets.
using FactNumber = std::uint64_t;

// Told about facts.
class FactObserver {
 public:
  virtual ~FactObserver() = default;
  virtual void flow(FactNumber number, const Flow& flow, EndReason reason, bool final,
                    const Verdict& verdict) = 0;
  virtual void dns(FactNumber number, const DnsTransaction& transaction) = 0;
};

struct LaneStats {
  FlowTableStats flows;
  DnsStats dns;

  LaneStats& operator+=(const LaneStats& other) noexcept {
    flows += other.flows;
    dns += other.dns;
    return *this;
  }
};

class Lane final : private FlowObserver, private DnsObserver {
 public:
  Lane(const FlowLimits& flows, const DnsLimits& dns, HashSeed seed, SlotSpace slots,
       Classifier& classifier, FactObserver& observer);

  void packet(const LanePacket& packet);

  // Ends what is due, in two steps so that lanes can end theirs in one order.
  void collect_due(Timestamp now, std::vector<DueFlow>& flows, std::vector<std::uint64_t>& dns);
  void collect_all(EndReason reason, std::vector<DueFlow>& flows, std::vector<std::uint64_t>& dns);
  void end_flow(FactNumber number, const DueFlow& due);
  void end_dns(FactNumber number, std::uint64_t transaction);

  [[nodiscard]] LaneStats stats() const noexcept { return {flows_.stats(), dns_.stats()}; }

 private:
  void flow_ended(const Flow& flow, EndReason reason, bool final) override;
  void transaction_ended(const DnsTransaction& transaction) override;

  Classifier& classifier_;
  FactObserver& observer_;
  FlowTable flows_;
  DnsTracker dns_;
  FactNumber number_ = 0;  // of what is being done
};

}  // namespace dpi
