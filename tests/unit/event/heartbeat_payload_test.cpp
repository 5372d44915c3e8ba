#include <gtest/gtest.h>

#include "probe/envelope/canonical.h"
#include "probe/event/heartbeat.h"

namespace dpi {
namespace {

std::string payload(const HeartbeatFacts& facts) {
  std::string out;
  append_heartbeat_payload(out, facts);
  return out;
}

bool holds(const std::string& text, std::string_view member) {
  return text.find(member) != std::string::npos;
}

// Everything that can be there.
HeartbeatFacts full() {
  HeartbeatFacts f;
  f.heartbeat_number = 7;
  f.previous_seq = 12;
  f.reasons = {"drops_kernel", "link_down"};
  f.probe_version = "1.0.0";
  f.ndpi_version = "4.2.0";
  f.software = {.libpcap_version = "1.10.3",
                .openssl_version = "3.0.17",
                .kernel_version = "6.1.0-37-amd64",
                .build_sha256 = Digest{1},
                .ndpi_library_sha256 = Digest{2}};
  f.clock_offset_us = -1500;
  f.clock_max_error_us = 3000;
  f.clock_synced = true;
  InterfaceFacts eth;
  eth.name = "eth1 \"x\"";
  eth.kind = "af_packet";
  eth.link_up = false;
  eth.promiscuous = true;
  eth.malformed = 1;
  eth.truncated = 2;
  eth.packets = 3;
  eth.last_packet_at = timestamp(1);
  f.interfaces = {eth};
  f.losses = {{.cause = "kernel", .packets = 1, .bytes = 60, .events = 0}};
  f.events = {{.event_type = "dpi.flow", .sealed = 4, .shed = 1}};
  f.inference.checksum_bad = 5;
  f.unsigned_ms = 9;
  f.queues = QueueFacts{1, 8, 2, 16};
  f.recorder_lag_us = 11;
  f.commit = CommitFacts{3, 1, CommitFacts::Latency{10, 20, 30}};
  f.spool = SpoolFacts{1, 100, 2, 40, 0};
  f.database = DatabaseFacts{true, 5, timestamp(2), 1, 2, 1};
  f.workers = 2;
  f.worker_restarts = 1;
  f.canary = CanaryFacts{4, 900, 800, ""};
  f.last_packet_at = timestamp(3);
  f.anomalies.counts[static_cast<std::size_t>(Anomaly::frame_cut)] = 1;
  return f;
}

TEST(HeartbeatPayload, IsCanonicalWithEverythingAndWithNothing) {
  EXPECT_TRUE(is_canonical_json(payload(full()))) << payload(full());
  EXPECT_TRUE(is_canonical_json(payload({}))) << payload({});
}

TEST(HeartbeatPayload, LeavesOutWhatTheMachineDoesNotSay) {
  const std::string text = payload({});
  for (const std::string_view member :
       {"clock_offset_us", "clock_synced", "commit", "db_", "spool", "canary", "workers",
        "worker_restarts", "batches", "kernel_version", "libpcap", "openssl", "unsigned_ms",
        "checksum_bad", "last_packet_at", "previous_seq", "recorder_lag", "build_sha256",
        "ndpi_library_sha256"}) {
    EXPECT_FALSE(holds(text, std::string{"\""} + std::string{member})) << member;
  }
  EXPECT_TRUE(holds(text, "\"interfaces\":[]"));
  EXPECT_TRUE(holds(text, "\"events\":[]"));
  EXPECT_TRUE(holds(text, "\"losses\":[]"));
  EXPECT_TRUE(holds(text, "\"state\":\"healthy\""));
}

TEST(HeartbeatPayload, WritesListsAsObjects) {
  const std::string text = payload(full());
  EXPECT_TRUE(holds(
      text,
      R"("interfaces":[{"bytes":0,"checksum_partial":0,"coalesced":0,"dropped_kernel":0,"dropped_nic":0,"dropped_no_buffer":0,"kind":"af_packet","last_packet_at":"1970-01-01T00:00:00.000000001Z","link_up":false,"malformed":1,"name":"eth1%20%22x%22","packets":3,"promiscuous":true,"reopened":0,"ring_freezes":0,"truncated":2}])"))
      << text;
  EXPECT_TRUE(holds(text, R"("events":[{"event_type":"dpi.flow","sealed":4,"shed":1}])"));
  EXPECT_TRUE(holds(text, R"("losses":[{"bytes":60,"cause":"kernel","events":0,"packets":1}])"));
  EXPECT_TRUE(holds(text, R"("anomalies":[{"count":1,"name":"frame_cut"}])"));
  EXPECT_TRUE(holds(text, R"("reasons":["drops_kernel","link_down"])"));
  EXPECT_TRUE(holds(text, R"("state":"degraded")"));
  EXPECT_TRUE(holds(text, R"("clock_offset_us":-1500)"));
}

TEST(HeartbeatPayload, CanarySaysItsLagsOrItsStage) {
  HeartbeatFacts f;
  f.canary = CanaryFacts{4, 900, 800, ""};
  EXPECT_TRUE(
      holds(payload(f), R"("canary_dns_lag_us":800,"canary_flow_lag_us":900,"canary_number":4,)"));
  EXPECT_FALSE(holds(payload(f), "canary_stage"));
  f.canary = CanaryFacts{5, std::nullopt, std::nullopt, "spool"};
  EXPECT_TRUE(holds(payload(f), R"("canary_number":5,"canary_stage":"spool")"));
}

TEST(HeartbeatPayload, CommitLatencyIsAbsentWithoutACommit) {
  HeartbeatFacts f;
  f.commit = CommitFacts{};
  EXPECT_TRUE(holds(payload(f), R"("commit_errors":0,"commits":0)"));
  EXPECT_FALSE(holds(payload(f), "commit_p50_us"));
}

}  // namespace
}  // namespace dpi
