// One worker's data path: decode → fragments → flows → classification and DNS → events, in the
// order in which packets come. Owned by one thread; no clock, no log, no random: the packets and
// the limits decide everything.
#pragma once

#include <cstdint>
#include <memory>

#include "dissectors/decode.h"
#include "probe/classify/classifier.h"
#include "probe/dns/dns_tracker.h"
#include "probe/flow/flow_table.h"
#include "probe/flow/fragment_table.h"
#include "probe/metadata/metadata_tracker.h"

namespace dpi {

struct PipelineLimits {
  DecodeOptions decode;
  FlowLimits flows;
  FragmentLimits fragments;
  DnsLimits dns;
  MetadataLimits metadata;
  std::size_t stream_bytes_max = 64U << 20U;  // of all streams together
};

// Every packet in exactly one bucket.
struct PacketLedger {
  std::uint64_t offered = 0;
  std::uint64_t decoded = 0;
  std::uint64_t filtered = 0;
  std::uint64_t malformed = 0;
  std::uint64_t not_ip = 0;
  std::uint64_t bytes_offered = 0;
  std::uint64_t truncated = 0;  // inside the buckets above
  std::uint64_t time_backward_steps = 0;
};

// Told about facts, with the packet time at which they became known.
class FactObserver {
 public:
  virtual ~FactObserver() = default;
  // `metadata` is null where no protocol of ours was seen.
  virtual void flow(const Flow& flow, EndReason reason, bool final, const Verdict& verdict,
                    const AppMetadata* metadata) = 0;
  virtual void dns(const DnsTransaction& transaction) = 0;
  // Packet time has reached a new second.
  virtual void tick(Timestamp now) = 0;
};

class Pipeline final : private FlowObserver, private DnsObserver {
 public:
  Pipeline(const PipelineLimits& limits, HashSeed seed, std::unique_ptr<Classifier> classifier,
           FactObserver& observer);

  void process(const RawPacket& packet);
  void count_filtered(const RawPacket& packet) noexcept;
  // The end of a capture: everything ends, and time may begin anew.
  void finish(EndReason reason);

  // Newest packet time of this capture; the epoch before the first packet.
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  [[nodiscard]] const PacketLedger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] FlowTableStats flow_stats() const noexcept { return flows_.stats(); }
  [[nodiscard]] DnsStats dns_stats() const noexcept { return dns_.stats(); }
  [[nodiscard]] const AnomalyCounters& anomalies() const noexcept { return anomalies_; }
  [[nodiscard]] const Classifier& classifier() const noexcept { return *classifier_; }

 private:
  void flow_ended(const Flow& flow, EndReason reason, bool final) override;
  void transaction_ended(const DnsTransaction& transaction) override;

  Timestamp clamp(Timestamp time) noexcept;
  void advance(Timestamp now);
  void count_packet(const PacketView& view, PortPair ports, Timestamp time);
  void process_fragment(const PacketView& view, Timestamp time);
  void process_outer_fragment(const PacketView& view, Timestamp time);
  void count_held(HeldFragment& held, PortPair ports);
  void dissect_datagram(const FlowTable::Touched& touched, const PacketView& datagram,
                        Timestamp time);
  void dissect(const FlowTable::Touched& touched, const PacketView& view, Timestamp time);

  std::unique_ptr<Classifier> classifier_;
  FactObserver& observer_;
  DecodeOptions decode_;
  FlowTable flows_;
  FragmentTable fragments_;
  StreamMemory stream_memory_;
  DnsTracker dns_;
  MetadataTracker metadata_;
  PacketView view_;
  PacketLedger ledger_;
  AnomalyCounters anomalies_;
  Timestamp now_{};
  bool began_ = false;
};

}  // namespace dpi
