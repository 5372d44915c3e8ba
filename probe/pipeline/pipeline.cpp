#include "probe/pipeline/pipeline.h"

namespace dpi {
namespace {

std::int64_t second_of(Timestamp t) noexcept {
  return nanoseconds(t) / 1'000'000'000;
}

}  // namespace

Pipeline::Pipeline(const PipelineLimits& limits, HashSeed seed,
                   std::unique_ptr<Classifier> classifier, FactObserver& observer)
    : classifier_(std::move(classifier)),
      observer_(observer),
      decode_(limits.decode),
      flows_(limits.flows, seed, *this),
      fragments_(limits.fragments),
      stream_memory_(limits.stream_bytes_max),
      dns_(limits.dns, stream_memory_, *this),
      metadata_(limits.metadata, stream_memory_) {}

Timestamp Pipeline::clamp(Timestamp time) noexcept {
  if (began_ && time < now_) {
    ++ledger_.time_backward_steps;
    return now_;
  }
  return time;
}

void Pipeline::count_filtered(const RawPacket& packet) noexcept {
  ++ledger_.offered;
  ++ledger_.filtered;
  ledger_.bytes_offered += packet.wire_bytes;
}

// Timers see whole seconds only, so that results never depend on how packets are batched.
void Pipeline::advance(Timestamp now) {
  const bool new_second = !began_ || second_of(now) != second_of(now_);
  now_ = now;
  began_ = true;
  if (!new_second) return;
  for (HeldFragment& held : fragments_.expire(now)) {
    add(held.view.anomalies, Anomaly::fragment_first_missing);
    count_held(held, PortPair{});
  }
  flows_.advance(now);
  dns_.advance(now);
  observer_.tick(now);
}

void Pipeline::process(const RawPacket& packet) {
  ++ledger_.offered;
  ledger_.bytes_offered += packet.wire_bytes;
  const Timestamp time = clamp(packet.time);
  advance(time);
  const DecodeOutcome outcome = decode(packet, view_, decode_);
  if (view_.cut) ++ledger_.truncated;
  if (outcome != DecodeOutcome::decoded) {
    ++(outcome == DecodeOutcome::not_ip ? ledger_.not_ip : ledger_.malformed);
    anomalies_.add(view_.anomalies);
    return;
  }
  ++ledger_.decoded;
  if (view_.outer.fragment.present) {
    process_outer_fragment(view_, time);
  } else if (view_.fragment.present) {
    process_fragment(view_, time);
  } else {
    count_packet(view_, flow_ports(view_), time);
  }
}

void Pipeline::count_packet(const PacketView& view, PortPair ports, Timestamp time) {
  anomalies_.add(view.anomalies);
  const FlowTable::Touched touched = flows_.add({view, ports, time});
  if (touched.dropped) return;
  classifier_->inspect(touched.flow, view, time);
  dissect(touched, view, time);
}

// A whole datagram: messages and metadata in it.
void Pipeline::dissect(const FlowTable::Touched& touched, const PacketView& view, Timestamp time) {
  const AnomalySet found = dns_.observe(touched.flow, touched.sender, view, time) |
                           metadata_.observe(touched.flow, touched.sender, view);
  if (found.none()) return;
  touched.flow.anomalies |= found;
  anomalies_.add(found);
}

// The same of one put together from fragments: a tunnel's speaks for the flow inside.
void Pipeline::dissect_datagram(const FlowTable::Touched& touched, const PacketView& datagram,
                                Timestamp time) {
  const bool tunnel = !datagram.l3.empty();
  const auto inside = tunnel ? flows_.find(datagram, flow_ports(datagram)) : std::nullopt;
  dissect(inside ? *inside : touched, datagram, time);
}

// Counted at the time when it can be: a flow's packets never go back in time.
void Pipeline::count_held(HeldFragment& held, PortPair ports) {
  anomalies_.add(held.view.anomalies);
  const FlowTable::Touched touched = flows_.add({held.view, ports, now_});
  if (touched.dropped) return;
  classifier_->inspect(touched.flow, held.view, now_);
}

void Pipeline::process_fragment(const PacketView& view, Timestamp time) {
  FragmentOutcome outcome = fragments_.add(view, time);
  if (!outcome.ports) return;
  for (HeldFragment& held : outcome.released) count_held(held, *outcome.ports);
  anomalies_.add(view.anomalies);
  const FlowTable::Touched touched = flows_.add({view, *outcome.ports, time});
  // A tunnel's whole datagram speaks for the flow inside, not for this one.
  const bool whole = outcome.datagram != nullptr && outcome.datagram->l3.empty();
  if (touched.dropped) return;
  classifier_->inspect(touched.flow, whole ? *outcome.datagram : view, time);
  if (outcome.datagram != nullptr) dissect_datagram(touched, *outcome.datagram, time);
}

// A tunnel whose outer datagram came in pieces: this first one counts by the header inside, the
// later ones by the outer header, whose ports only this one knows. What is inside is dissected
// once, when the datagram is whole.
void Pipeline::process_outer_fragment(const PacketView& view, Timestamp time) {
  PacketView outer;
  outer.time = view.time;
  outer.wire_bytes = view.wire_bytes;
  outer.ip_version = view.outer.ip_version;
  outer.protocol = view.outer.protocol;
  outer.src = view.outer.src;
  outer.dst = view.outer.dst;
  outer.fragment = view.outer.fragment;
  outer.src_port = view.outer.src_port;
  outer.dst_port = view.outer.dst_port;
  outer.l4 = view.outer.l4;
  outer.l4_bytes = view.outer.l4_bytes;
  FragmentOutcome outcome = fragments_.add(outer, time);
  if (outcome.ports) {
    for (HeldFragment& held : outcome.released) count_held(held, *outcome.ports);
  }
  if (view.fragment.present) {
    process_fragment(view, time);
    return;
  }
  anomalies_.add(view.anomalies);
  const FlowTable::Touched touched = flows_.add({view, flow_ports(view), time});
  if (touched.dropped) return;
  classifier_->inspect(touched.flow, view, time);
  if (outcome.datagram != nullptr) dissect_datagram(touched, *outcome.datagram, time);
}

void Pipeline::finish(EndReason reason) {
  for (HeldFragment& held : fragments_.finish()) {
    add(held.view.anomalies, Anomaly::fragment_first_missing);
    count_held(held, PortPair{});
  }
  flows_.finish(reason);
  dns_.finish();
  began_ = false;
}

void Pipeline::flow_ended(const Flow& flow, EndReason reason, bool final) {
  const Verdict verdict = final ? classifier_->conclude(flow) : classifier_->verdict(flow);
  observer_.flow(flow, reason, final, verdict, metadata_.find(flow));
  if (!final) return;
  dns_.flow_ended(flow);
  metadata_.flow_ended(flow);
}

void Pipeline::transaction_ended(const DnsTransaction& transaction) {
  observer_.dns(transaction);
}

}  // namespace dpi
