#include "probe/service/heartbeat_metrics.h"

#include <algorithm>

namespace dpi {
namespace {

double number(std::uint64_t value) noexcept {
  return static_cast<double>(value);
}
double seconds(Timestamp at) noexcept {
  return static_cast<double>(nanoseconds(at)) / 1e9;
}

// Families in the order in which they are added.
class Families {
 public:
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    open(name, help, MetricType::counter).samples.push_back({.value = number(value)});
  }
  void gauge(std::string_view name, std::string_view help, double value) {
    open(name, help, MetricType::gauge).samples.push_back({.value = value});
  }
  MetricFamily& open(std::string_view name, std::string_view help, MetricType type) {
    return families_.emplace_back(MetricFamily{.name = name, .help = help, .type = type});
  }
  MetricFamilies take() { return std::move(families_); }

 private:
  MetricFamilies families_;
};

void add(MetricFamily& family, std::string_view label, std::string_view value, double sample) {
  family.samples.push_back({.labels = {{label, std::string{value}}}, .value = sample});
}

// An interface's name is any bytes; a label is UTF-8.
std::string ascii(std::string_view name) {
  std::string out{name};
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

void add_build(Families& out, const HeartbeatFacts& f) {
  out.open("dpi_probe_build", "Versions of the probe and of nDPI.", MetricType::info)
      .samples.push_back({.labels = {{"version", std::string{f.probe_version}},
                                     {"ndpi_version", std::string{f.ndpi_version}}},
                          .value = 1});
  out.gauge("dpi_probe_uptime_seconds", "Time since the probe started.",
            number(f.uptime_ms) / 1000);
  out.gauge("dpi_probe_degraded_state", "1 when the last heartbeat gave a reason, else 0.",
            f.reasons.empty() ? 0 : 1);
  auto& reasons =
      out.open("dpi_probe_reason_state",
               "1 for each reason of the last heartbeat (docs/operations.md).", MetricType::gauge);
  for (const std::string_view reason : f.reasons) add(reasons, "reason", reason, 1);
  if (f.workers)
    out.gauge("dpi_probe_workers", "Threads that track and classify.", number(*f.workers));
}

void add_ledger(Families& out, const HeartbeatFacts& f) {
  out.counter("dpi_capture_offered_packets", "Packets offered: the sum of all outcomes.",
              f.packets_offered);
  auto& outcome = out.open("dpi_capture_outcome_packets",
                           "What became of each offered packet; the outcomes add up to offered.",
                           MetricType::counter);
  add(outcome, "outcome", "decoded", number(f.packets_decoded));
  add(outcome, "outcome", "filtered", number(f.packets_filtered));
  add(outcome, "outcome", "malformed", number(f.packets_malformed));
  add(outcome, "outcome", "not_ip", number(f.packets_not_ip));
  add(outcome, "outcome", "dropped_kernel", number(f.packets_dropped_kernel));
  add(outcome, "outcome", "dropped_nic", number(f.packets_dropped_nic));
  add(outcome, "outcome", "dropped_no_buffer", number(f.packets_dropped_no_buffer));
  add(outcome, "outcome", "shed", number(f.packets_shed));
  out.counter("dpi_capture_offered_bytes", "Bytes of the offered packets on the wire.",
              f.bytes_offered);
  out.counter("dpi_capture_truncated_packets", "Packets captured shorter than they were.",
              f.packets_truncated);
  out.counter("dpi_capture_duplicate_packets", "Packets that the mirror sent twice.",
              f.packets_duplicate);
  out.counter("dpi_capture_time_backward_steps", "Times that packet time went backwards.",
              f.time_backward_steps);
  if (f.last_packet_at) {
    out.gauge("dpi_capture_last_packet_timestamp_seconds", "Time of the newest packet, UTC.",
              seconds(*f.last_packet_at));
  }
}

void add_interfaces(Families& out, const HeartbeatFacts& f) {
  auto& packets =
      out.open("dpi_interface_packets", "Packets of an interface.", MetricType::counter);
  for (const auto& i : f.interfaces) add(packets, "interface", ascii(i.name), number(i.packets));
  auto& bytes =
      out.open("dpi_interface_bytes", "Bytes of an interface on the wire.", MetricType::counter);
  for (const auto& i : f.interfaces) add(bytes, "interface", ascii(i.name), number(i.bytes));
  auto& dropped = out.open("dpi_interface_dropped_packets",
                           "Packets lost at an interface: by kernel, card or for want of a buffer.",
                           MetricType::counter);
  for (const auto& i : f.interfaces) {
    const std::string name = ascii(i.name);
    const auto cause = [&](const char* what, std::uint64_t count) {
      dropped.samples.push_back(
          {.labels = {{"interface", name}, {"cause", what}}, .value = number(count)});
    };
    cause("kernel", i.dropped_kernel);
    cause("nic", i.dropped_nic);
    cause("no_buffer", i.dropped_no_buffer);
  }
  auto& link =
      out.open("dpi_interface_link_state", "1 when the link is up, else 0.", MetricType::gauge);
  for (const auto& i : f.interfaces) {
    if (i.link_up) add(link, "interface", ascii(i.name), *i.link_up ? 1 : 0);
  }
}

void add_traffic(Families& out, const HeartbeatFacts& f) {
  out.gauge("dpi_flow_active_flows", "Flows tracked now.", number(f.flows_active));
  out.counter("dpi_flow_started_flows", "Flows that began.", f.flows_started);
  out.counter("dpi_flow_written_records", "Flow records.", f.flow_records);
  out.counter("dpi_flow_evicted_flows", "Flows ended because the table was full.", f.flows_evicted);
  out.counter("dpi_dns_observed_transactions", "DNS transactions.", f.dns_transactions);
  out.counter("dpi_dns_observed_messages", "DNS messages.", f.dns_messages);
  auto& anomalies = out.open("dpi_decode_anomalies", "Named anomalies in packets and streams.",
                             MetricType::counter);
  for (std::size_t i = 0; i < anomaly_count; ++i) {
    if (f.anomalies.counts[i] == 0) continue;
    add(anomalies, "anomaly", anomaly_name(static_cast<Anomaly>(i)), number(f.anomalies.counts[i]));
  }
  out.counter("dpi_mirror_acked_bytes", "Bytes that TCP acknowledged in flows seen from their SYN.",
              f.inference.acked_bytes);
  out.counter("dpi_mirror_gap_bytes", "Of these, bytes that never came by the probe.",
              f.inference.gap_bytes);
}

void add_chain(Families& out, const HeartbeatFacts& f) {
  out.counter("dpi_chain_sealed_events", "Events sealed into the chain.", f.events_sealed);
  out.counter("dpi_chain_shed_events", "Events shed because no sink could keep them.",
              f.events_shed);
  out.gauge("dpi_chain_unsigned_events", "Events that no signed checkpoint covers yet.",
            number(f.unsigned_events));
  if (f.unsigned_ms) {
    out.gauge("dpi_chain_unsigned_age_seconds", "Age of the oldest unsigned event.",
              number(*f.unsigned_ms) / 1000);
  }
  out.gauge("dpi_chain_heartbeat_timestamp_seconds", "Time of the last heartbeat, UTC.",
            seconds(f.at));
  if (f.recorder_lag_us) {
    out.gauge("dpi_chain_recorder_lag_seconds", "How far the recorder is behind the newest packet.",
              number(*f.recorder_lag_us) / 1e6);
  }
}

void add_queues(Families& out, const HeartbeatFacts& f) {
  if (!f.queues) return;
  auto& waiting = out.open(
      "dpi_queue_waiting_max_batches",
      "Most batches that waited between two stages since the heartbeat before.", MetricType::gauge);
  add(waiting, "queue", "work", number(f.queues->work_batches_waiting_max));
  add(waiting, "queue", "facts", number(f.queues->fact_batches_waiting_max));
  auto& capacity = out.open("dpi_queue_capacity_batches", "Batches that fit between two stages.",
                            MetricType::gauge);
  add(capacity, "queue", "work", number(f.queues->work_batches_capacity));
  add(capacity, "queue", "facts", number(f.queues->fact_batches_capacity));
}

void add_stores(Families& out, const HeartbeatFacts& f) {
  if (f.commit) {
    out.counter("dpi_spool_durable_commits", "Commits to the spool.", f.commit->commits);
    out.counter("dpi_spool_failed_commits", "Commits to the spool that failed.",
                f.commit->commit_errors);
    if (f.commit->latency) {
      out.gauge("dpi_spool_commit_p99_seconds",
                "99th percentile of a commit since the heartbeat before.",
                number(f.commit->latency->p99_us) / 1e6);
    }
  }
  if (f.spool) {
    out.gauge("dpi_spool_used_bytes", "Bytes of the spool.", number(f.spool->bytes));
    out.gauge("dpi_spool_capacity_bytes", "Upper bound of the spool.", number(f.spool->cap_bytes));
    out.gauge("dpi_spool_unacked_events", "Events that the database has not acknowledged.",
              number(f.spool->unacked_events));
  }
  if (f.database) {
    out.gauge("dpi_database_connected_state", "1 when the database takes events, else 0.",
              f.database->connected ? 1 : 0);
    out.gauge("dpi_database_lag_events", "Events that the database does not have yet.",
              number(f.database->lag_events));
    out.counter("dpi_database_failed_attempts", "Attempts to ship that failed.",
                f.database->errors);
  }
}

void add_canary(Families& out, const HeartbeatFacts& f) {
  if (!f.canary) return;
  const CanaryFacts& c = *f.canary;
  auto& lost = out.open("dpi_canary_lost_state",
                        "1 when the last canary did not arrive, with the stage where it stopped.",
                        MetricType::gauge);
  if (!c.stage.empty()) add(lost, "stage", c.stage, 1);
  if (c.flow_lag_us && c.dns_lag_us) {
    out.gauge("dpi_canary_lag_seconds",
              "From the last canary's first packet to its durable commit, the slower row.",
              number(std::max(*c.flow_lag_us, *c.dns_lag_us)) / 1e6);
  }
}

}  // namespace

MetricFamilies heartbeat_metrics(const HeartbeatFacts& facts) {
  Families out;
  add_build(out, facts);
  add_ledger(out, facts);
  add_interfaces(out, facts);
  add_traffic(out, facts);
  add_chain(out, facts);
  add_queues(out, facts);
  add_stores(out, facts);
  add_canary(out, facts);
  return out.take();
}

MetricFamilies service_metrics(const ServiceMetrics& service) {
  Families out;
  out.gauge("dpi_service_alive_state", "1 when every stage makes progress, else 0.",
            service.alive ? 1 : 0);
  out.gauge("dpi_service_ready_state", "1 when the probe captures, seals and stores, else 0.",
            service.ready ? 1 : 0);
  auto& stuck = out.open("dpi_service_stuck_state", "1 for each stage that makes no progress.",
                         MetricType::gauge);
  for (const std::string& stage : service.stuck) add(stuck, "stage", stage, 1);
  if (service.heartbeat_age_s) {
    out.gauge("dpi_service_heartbeat_age_seconds", "Time since the last heartbeat.",
              *service.heartbeat_age_s);
  }
  return out.take();
}

}  // namespace dpi
