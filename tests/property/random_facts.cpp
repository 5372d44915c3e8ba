#include "tests/property/random_facts.h"

#include <algorithm>
#include <limits>

#include "dissectors/dns/message.h"
#include "probe/event/reason.h"

namespace dpi::test {
namespace {

constexpr std::array<std::string_view, 8> causes{"nic",         "kernel",      "no_buffer",
                                                 "worker_ring", "sealer_ring", "spool_full",
                                                 "disk_error",  "worker_crash"};
constexpr std::array<std::string_view, 5> types{"dpi.dns", "dpi.flow", "dpi.scan",
                                                "health.heartbeat", "loss.report"};

void put16(ByteBuffer& out, std::uint64_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8U));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

std::uint64_t RandomFacts::number() {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  constexpr std::array<std::uint64_t, 10> odd{
      0,           1,           0xffff,      0xffffffff, (1ULL << 53U) - 1,
      1ULL << 53U, 1ULL << 62U, 1ULL << 63U, most - 1,   most};
  return chance(50) ? one_of(odd) : random_() >> below(64);
}

std::optional<std::uint64_t> RandomFacts::maybe_number() {
  if (chance(50)) return std::nullopt;
  return number();
}

std::int64_t RandomFacts::signed_number() {
  return static_cast<std::int64_t>(number());
}

// The front brings packet times into what can be written; clocks are in it.
Timestamp RandomFacts::time() {
  static const Timestamp last = *parse_time("2261-12-31T23:59:59.999999999Z");
  const std::array<std::int64_t, 6> odd{
      0, 1, 999, 1'700'000'000'999'999'999, nanoseconds(last) - 1, nanoseconds(last)};
  if (chance(20)) return timestamp(one_of(odd));
  return std::min(last, timestamp(static_cast<std::int64_t>(random_() >> (1 + below(8)))));
}

// Of any bytes, mostly not longer than the limit; now and then far longer.
std::string RandomFacts::bytes(std::size_t limit) {
  std::size_t size = below(4) == 0 ? limit : below(limit + 1);
  if (chance(5)) size = limit + 1 + below(3000);
  const std::uint64_t kind = below(4);
  std::string out(size, 'x');
  for (char& c : out) {
    if (kind == 0) c = static_cast<char>(random_());
    if (kind == 1) c = one_of(std::string_view{"%\\\" \n\0\x7f\x80\xff'", 10});
    if (kind == 2) c = static_cast<char>('!' + below(94));
  }
  return out;
}

std::string RandomFacts::hex_text(std::size_t digits) {
  std::string out(digits, '0');
  for (char& c : out) c = one_of(std::string_view{"0123456789abcdef"});
  return out;
}

Digest RandomFacts::digest() {
  Digest out{};
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_());
  return out;
}

IpAddress RandomFacts::address(bool v6) {
  IpAddress out;
  out.v6 = v6;
  const std::uint64_t fill = below(3);
  for (std::size_t i = 0; i < (v6 ? 16U : 4U); ++i)
    out.bytes[i] = fill == 0 ? 0 : fill == 1 ? 255 : static_cast<std::uint8_t>(random_());
  return out;
}

AnomalySet RandomFacts::anomalies() {
  AnomalySet out;
  const std::uint64_t percent = one_of(std::array<std::uint64_t, 3>{0, 5, 100});
  for (std::size_t i = 0; i < anomaly_count; ++i) out[i] = below(100) < percent;
  return out;
}

// Of a machine: its words are cut to what a row holds where they are read (running_software.cpp).
Software RandomFacts::software() {
  Software out;
  if (chance(50)) out.build_sha256 = digest();
  if (chance(50)) out.ndpi_library_sha256 = digest();
  if (chance(50)) out.kernel_version = "6.1.0-42-amd64";
  if (chance(50)) out.libpcap_version = "1.10.3";
  if (chance(50)) out.openssl_version = std::string(64, 'v');
  return out;
}

AppMetadata RandomFacts::metadata() {
  AppMetadata m;
  const auto text = [&](std::string& to, std::size_t limit) {
    if (chance(50)) to = bytes(limit);
  };
  text(m.server_name, metadata_limit::server_name);
  text(m.alpn_offered, metadata_limit::alpn);
  text(m.alpn_chosen, metadata_limit::alpn);
  text(m.certificate_subject, metadata_limit::certificate_name);
  text(m.certificate_issuer, metadata_limit::certificate_name);
  text(m.http_method, metadata_limit::http_method);
  text(m.http_url, metadata_limit::http_url);
  text(m.http_user_agent, metadata_limit::http_user_agent);
  for (SshSide& side : m.ssh) {
    text(side.banner, metadata_limit::ssh_banner);
    if (chance(50)) side.hassh = hex_text(32);
    if (chance(50)) side.hassh_server = hex_text(32);
  }
  if (chance(50)) m.ja3 = hex_text(32);
  if (chance(50)) m.ja3s = hex_text(32);
  if (chance(50)) m.ja4 = "q13d1516h2_" + hex_text(12) + "_" + hex_text(12);
  if (chance(50)) m.tls_version = "unknown_ffff";
  if (chance(50)) m.tls_cipher = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
  if (chance(50)) m.certificate_sha256 = digest();
  if (chance(50)) m.certificate_not_before = time();
  if (chance(50)) m.certificate_not_after = time();
  m.http_status = static_cast<std::uint16_t>(number());
  return m;
}

Flow RandomFacts::flow() {
  Flow f;
  const bool v6 = chance(50);
  f.key.low = {address(v6), static_cast<std::uint16_t>(number())};
  f.key.high = {address(v6), static_cast<std::uint16_t>(number())};
  f.key.protocol = chance(60) ? ip_protocol::tcp : static_cast<std::uint8_t>(number());
  f.initiator = chance(50) ? Side::low : Side::high;
  f.orientation = static_cast<Orientation>(below(9));
  f.record = number();
  f.duplicate_packets = number();
  f.start_at = time();
  f.end_at = std::max(f.start_at, time());
  for (SideCounters& side : f.sides) {
    side = {.packets = number(),
            .ip_bytes = number(),
            .payload_bytes = number(),
            .ttl_min = static_cast<std::uint8_t>(number())};
  }
  Timestamp at = f.start_at;
  for (std::uint64_t i = below(40); i > 0; --i) {
    const Side sender = chance(50) ? Side::low : Side::high;
    PacketView view;
    view.protocol = f.key.protocol;
    view.has_transport = true;
    view.tcp.flags = static_cast<std::uint8_t>(chance(50) ? 0x10 : random_());
    view.tcp.sequence = static_cast<std::uint32_t>(number());
    view.tcp.acknowledgement = static_cast<std::uint32_t>(number());
    view.tcp.window = static_cast<std::uint16_t>(number());
    view.payload_bytes = static_cast<std::uint32_t>(number());
    if (f.key.protocol == ip_protocol::tcp) {
      (void)f.tcp.observe(view, sender, at);
    } else {
      f.history.note(sender, 'd');
    }
    f.splt.note(view.payload_bytes, sender, at, Splt::packets_max);
    at = std::max(at, time());
  }
  f.has_icmp = chance(10);
  f.icmp_type = static_cast<std::uint8_t>(number());
  f.icmp_code = static_cast<std::uint8_t>(number());
  f.anomalies = anomalies();
  for (std::uint64_t i = below(vlan_ids_max + 1); i > 0; --i)
    f.vlan_ids.push(static_cast<std::uint16_t>(number() & 0xfffU));
  for (std::uint64_t i = below(encapsulations_max + 1); i > 0; --i)
    f.encapsulations.push(static_cast<Encapsulation>(1 + below(30)));
  if (chance(30)) {
    const bool outer_v6 = chance(50);
    f.tunnel = {.type = static_cast<Encapsulation>(1 + below(30)),
                .has_id = chance(50),
                .id = static_cast<std::uint32_t>(number()),
                .src = address(outer_v6),
                .dst = address(outer_v6)};
  }
  return f;
}

// As it stands on the wire, with any bytes in names and data; sometimes cut.
ByteBuffer RandomFacts::dns_message(bool response) {
  ByteBuffer out;
  const std::uint64_t questions = below(3);
  const std::uint64_t records = response ? below(chance(10) ? 300 : 12) : 0;
  put16(out, random_());
  put16(out, (response ? 0x8000U : 0U) | (random_() & 0x7fffU));
  put16(out, questions);
  put16(out, records / 2);
  put16(out, records - records / 2);
  put16(out, chance(50) ? 1 : 0);
  const auto put_name = [&] {
    for (std::uint64_t labels = below(chance(10) ? 5 : 3); labels > 0; --labels) {
      const std::string label = bytes(62).substr(0, 63);
      if (label.empty()) continue;
      out.push_back(static_cast<std::uint8_t>(label.size()));
      out.insert(out.end(), label.begin(), label.end());
    }
    out.push_back(0);
  };
  constexpr std::array<std::uint16_t, 24> kinds{1,  2,  5,  6,  12, 13, 15, 16, 28, 33, 35,  39,
                                                41, 43, 46, 47, 48, 50, 52, 64, 65, 99, 257, 65280};
  for (std::uint64_t i = 0; i < questions; ++i) {
    put_name();
    put16(out, chance(80) ? one_of(kinds) : random_());
    put16(out, chance(80) ? 1 : random_());
  }
  for (std::uint64_t i = 0; i < records; ++i) {
    put_name();
    put16(out, chance(80) ? one_of(kinds) : random_());
    put16(out, chance(80) ? 1 : random_());
    put16(out, random_());
    put16(out, random_());
    const std::string data = bytes(chance(10) ? 4000 : 60);
    put16(out, data.size());
    out.insert(out.end(), data.begin(), data.end());
  }
  out.insert(out.end(), {0, 0, 41});
  put16(out, random_());
  put16(out, random_());
  put16(out, random_());
  const std::string option = bytes(chance(10) ? 2000 : 20);
  put16(out, option.size() + 4);
  put16(out, random_());
  put16(out, option.size());
  out.insert(out.end(), option.begin(), option.end());
  if (chance(20)) out.resize(12 + below(out.size() - 11));
  return out;
}

DnsTransaction RandomFacts::dns() {
  DnsTransaction t;
  const bool v6 = chance(50);
  t.client = {address(v6), static_cast<std::uint16_t>(number())};
  t.server = {address(v6), static_cast<std::uint16_t>(number())};
  t.transport = chance(50) ? DnsTransport::udp : DnsTransport::tcp;
  t.service = static_cast<DnsService>(below(4));
  t.outcome = static_cast<DnsOutcome>(below(5));
  t.queries = number();
  t.responses = number();
  t.anomalies = anomalies();
  const DnsDialect dialect = t.service == DnsService::nbns   ? DnsDialect::netbios
                             : t.service == DnsService::mdns ? DnsDialect::multicast
                                                             : DnsDialect::dns;
  const auto parsed = [&](bool response) {
    const ByteBuffer message = dns_message(response);
    return parse_dns(message, dialect, chance(20) ? message.size() + below(70'000) : 0);
  };
  if (chance(80)) t.query = parsed(false);
  if (!t.query || chance(70)) t.response = parsed(true);
  t.query_at = time();
  t.response_at = time();
  t.last_at = std::max(t.query_at, t.response_at);
  return t;
}

HeartbeatFacts RandomFacts::heartbeat() {
  HeartbeatFacts f;
  f.heartbeat_number = number();
  f.interval_ms = number();
  f.previous_seq = maybe_number();
  for (const Reason& reason : reasons())
    if (chance(30)) f.reasons.push_back(reason.name);
  f.uptime_ms = number();
  f.probe_version = "1.0.0";
  f.ndpi_version = "4.2.0";
  f.software = software();
  f.config_sha256 = digest();
  f.schema_sha256 = digest();
  if (chance(50)) f.clock_offset_us = signed_number();
  f.clock_max_error_us = maybe_number();
  if (chance(50)) f.clock_synced = chance(50);
  f.clock_steps = number();
  // Eight buckets, and their sum.
  for (std::uint64_t* bucket :
       {&f.packets_decoded, &f.packets_filtered, &f.packets_malformed, &f.packets_not_ip,
        &f.packets_dropped_kernel, &f.packets_dropped_nic, &f.packets_dropped_no_buffer,
        &f.packets_shed}) {
    *bucket = chance(30) ? 0 : random_() >> (14 + below(50));
    f.packets_offered += *bucket;
  }
  f.bytes_offered = number();
  f.packets_truncated = number();
  f.packets_duplicate = number();
  f.time_backward_steps = number();
  const std::uint64_t interfaces = one_of(std::array<std::uint64_t, 4>{0, 1, 2, 300});
  for (std::uint64_t i = 0; i < interfaces; ++i) {
    InterfaceFacts one;
    one.name = std::to_string(1000 + i) + (interfaces == 300 ? "" : bytes(200));
    one.kind = one_of(std::array<std::string_view, 3>{"file", "af_packet", "dpdk"});
    if (chance(50)) one.link_up = chance(50);
    if (chance(50)) one.promiscuous = chance(50);
    for (std::uint64_t* counter :
         {&one.packets, &one.bytes, &one.dropped_kernel, &one.dropped_nic, &one.dropped_no_buffer,
          &one.ring_freezes, &one.coalesced, &one.checksum_partial, &one.reopened, &one.malformed,
          &one.truncated})
      *counter = number();
    if (chance(50)) one.last_packet_at = time();
    f.interfaces.push_back(std::move(one));
  }
  for (const std::string_view cause : causes)
    if (chance(30)) f.losses.push_back({cause, number(), number(), number()});
  std::sort(f.losses.begin(), f.losses.end(),
            [](const LossFacts& a, const LossFacts& b) { return a.cause < b.cause; });
  LossInference& i = f.inference;
  for (std::uint64_t* counter :
       {&i.tcp_acks,         &i.gap_events,    &i.acked_bytes,          &i.gap_bytes,
        &i.tcp_flows,        &i.one_way_flows, &i.midstream_flows,      &i.dns_orphans,
        &i.retransmits,      &i.out_of_order,  &i.vlan_one_sided_flows, &i.truncated_datagrams,
        &f.flows_active,     &f.flows_started, &f.flow_records,         &f.flows_evicted,
        &f.dns_transactions, &f.dns_messages,  &f.tree_size_signed,     &f.unsigned_events})
    *counter = number();
  i.checksum_bad = maybe_number();
  for (std::uint64_t& count : f.anomalies.counts) count = chance(20) ? number() : 0;
  f.events_sealed = random_() >> (12 + below(50));
  f.events_shed = random_() >> (12 + below(50));
  f.events_produced = f.events_sealed + f.events_shed;
  for (const std::string_view type : types)
    if (chance(50)) f.events.push_back({type, number(), number()});
  f.unsigned_ms = maybe_number();
  f.key_id = digest();
  if (chance(50)) f.queues = QueueFacts{number(), number(), number(), number()};
  f.recorder_lag_us = maybe_number();
  if (chance(50)) {
    f.commit = CommitFacts{.commits = number(), .commit_errors = number(), .latency = {}};
    if (chance(50)) f.commit->latency = CommitFacts::Latency{number(), number(), number()};
  }
  if (chance(50)) f.spool = SpoolFacts{number(), number(), number(), maybe_number(), number()};
  if (chance(50)) {
    f.database = DatabaseFacts{.connected = chance(50),
                               .lag_events = number(),
                               .last_ack_at = {},
                               .retries = number(),
                               .errors = number(),
                               .refused = number()};
    if (chance(50)) f.database->last_ack_at = time();
  }
  f.workers = maybe_number();
  f.worker_restarts = number();
  if (chance(50)) {
    f.canary = CanaryFacts{
        .number = 1 + (number() >> 1U), .flow_lag_us = {}, .dns_lag_us = {}, .stage = {}};
    if (chance(50)) {
      f.canary->flow_lag_us = number();
      f.canary->dns_lag_us = number();
    } else {
      f.canary->stage = one_of(
          std::array<std::string_view, 6>{"decode", "flow", "classify", "seal", "spool", "commit"});
    }
  }
  if (chance(50)) f.last_packet_at = time();
  return f;
}

LossReportFacts RandomFacts::loss_report() {
  LossReportFacts f;
  f.interval_start = time();
  f.interval_end = std::max(f.interval_start, time());
  f.cause = one_of(causes);
  f.packets = number();
  f.bytes = number();
  for (const std::string_view type : types)
    if (chance(50)) f.events.push_back({type, number()});
  f.policy = "newest_packets_of_the_worker_behind";
  return f;
}

ScanFacts RandomFacts::scan() {
  ScanFacts f;
  f.kind = static_cast<ScanKind>(below(3));
  f.protocol = static_cast<std::uint8_t>(number());
  f.who = address(chance(50));
  f.first_at = time();
  f.last_at = std::max(f.first_at, time());
  f.flows = std::max<std::uint64_t>(number(), 1);
  f.ip_bytes = number();
  for (std::uint64_t i = below(ScanFacts::samples_max + 1); i > 0; --i)
    f.samples.push_back({address(chance(50)), static_cast<std::uint16_t>(number())});
  return f;
}

std::string RandomFacts::chain_start(const PublicKey& key) {
  std::string out;
  append_chain_start_payload(out,
                             {.reason = "replay", .key_id = key.key_id(), .key_spki = key.spki()});
  return out;
}

RandomEvent RandomFacts::event() {
  RandomEvent out{.type = {}, .observed_at = time(), .payload = {}};
  switch (below(10)) {
    case 0:
    case 1: {
      out.type = "dpi.flow";
      Verdict verdict{.master = "TLS",
                      .app = "Telegram",
                      .category = "Chat",
                      .confidence = "DPI (partial)",
                      .decided_at_packet = number(),
                      .risk_score = static_cast<std::uint32_t>(number() & 0x7fffffffU),
                      .risks = {}};
      if (chance(30)) verdict.risks = {"known_protocol_on_non_standard_port", "tls_weak_cipher"};
      const AppMetadata m = metadata();
      append_flow_payload(out.payload, flow(), static_cast<EndReason>(below(7)), chance(50),
                          verdict, chance(70) ? &m : nullptr, chance(10));
      break;
    }
    case 2:
    case 3:
      out.type = "dpi.dns";
      append_dns_payload(out.payload, dns(), chance(10));
      break;
    case 4:
      out.type = "health.heartbeat";
      append_heartbeat_payload(out.payload, heartbeat());
      break;
    case 5:
      out.type = "loss.report";
      append_loss_report_payload(out.payload, loss_report());
      break;
    case 6:
      out.type = "dpi.scan";
      append_scan_payload(out.payload, scan());
      break;
    case 7: {
      out.type = "worker.crash";
      WorkerCrashFacts f{.worker = number(),
                         .signal = below(256),
                         .uptime_ms = number(),
                         .flow_key_hash = number(),
                         .quarantine_sha256 = {}};
      if (chance(50)) f.quarantine_sha256 = digest();
      append_worker_crash_payload(out.payload, f);
      break;
    }
    case 8: {
      out.type = "probe.start";
      ProbeStartFacts f{.clean_shutdown = chance(50),
                        .recovered_bytes_cut = number(),
                        .head_tree_size = number(),
                        .head_last_hash = digest(),
                        .pid_start_mono_us = number(),
                        .probe_version = "1.0.0",
                        .ndpi_version = "4.2.0",
                        .software = software(),
                        .schema_sha256 = digest(),
                        .config_sha256 = digest(),
                        .loss_window = {}};
      if (chance(50)) f.loss_window = LossWindow{.from = time(), .to = time()};
      append_probe_start_payload(out.payload, f);
      break;
    }
    default:
      switch (below(3)) {
        case 0:
          out.type = "clock.step";
          append_clock_step_payload(
              out.payload,
              {.delta_us = signed_number(),
               .source = one_of(std::array<std::string_view, 3>{"step", "ntp", "resume"}),
               .synced_after = chance(50)});
          break;
        case 1: {
          out.type = "config.change";
          ConfigChangeFacts f{.old_sha256 = digest(), .new_sha256 = digest(), .members = {}};
          if (chance(70)) f.members = {"capture.interfaces", "flow.idle_other_s"};
          append_config_change_payload(out.payload, f);
          break;
        }
        default:
          out.type = "probe.stop";
          append_probe_stop_payload(
              out.payload,
              {.reason = one_of(std::array<std::string_view, 3>{"end_of_input", "signal", "error"}),
               .events_sealed = number(),
               .packets_offered = number(),
               .flow_records = number(),
               .dns_transactions = number()});
      }
  }
  return out;
}

}  // namespace dpi::test
