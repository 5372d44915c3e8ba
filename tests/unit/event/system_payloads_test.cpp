#include <gtest/gtest.h>

#include "probe/envelope/canonical.h"
#include "probe/event/payloads.h"
#include "probe/event/scan.h"

namespace dpi {
namespace {

template <class Facts>
std::string written(void (*append)(std::string&, const Facts&), const Facts& facts) {
  std::string out;
  append(out, facts);
  EXPECT_TRUE(is_canonical_json(out)) << out;
  return out;
}

std::string zeros(std::size_t digits) {
  return std::string(digits, '0');
}

TEST(SystemPayloads, LossReportListsEventsByType) {
  EXPECT_EQ(written(append_loss_report_payload,
                    LossReportFacts{.interval_start = timestamp(0),
                                    .interval_end = timestamp(1),
                                    .cause = "spool_full",
                                    .packets = 5,
                                    .bytes = 300,
                                    .events = {{"dpi.dns", 1}, {"dpi.flow", 2}},
                                    .policy = "newest_first"}),
            R"({"bytes":300,"cause":"spool_full","events":[{"count":1,"event_type":"dpi.dns"},)"
            R"({"count":2,"event_type":"dpi.flow"}],)"
            R"("interval_end":"1970-01-01T00:00:00.000000001Z",)"
            R"("interval_start":"1970-01-01T00:00:00.000000000Z","packets":5,)"
            R"("policy":"newest_first"})");
}

TEST(SystemPayloads, ClockStepIsSigned) {
  EXPECT_EQ(written(append_clock_step_payload,
                    ClockStepFacts{.delta_us = -2500, .source = "ntp", .synced_after = true}),
            R"({"delta_us":-2500,"source":"ntp","synced_after":true})");
}

TEST(SystemPayloads, ConfigChangeNamesTheKeys) {
  EXPECT_EQ(written(append_config_change_payload,
                    ConfigChangeFacts{.members = {"capture.ring_mib", "workers.count"}}),
            R"({"members":["capture.ring_mib","workers.count"],"new_sha256":")" + zeros(64) +
                R"(","old_sha256":")" + zeros(64) + R"("})");
}

// The contract's vector: seq 4 of its example chain.
TEST(SystemPayloads, KeyRotateIsTheContractsVector) {
  constexpr const char* old_id = "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9";
  constexpr const char* new_id = "deb2ded39dc26fce0e6085b6fc34bf6b5941913bbfe2ea614113cff9e004c170";
  constexpr const char* spki = "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
  constexpr const char* signature =
      "xaNdIlLxpH6ZEipKJYMMZrk1U8lfeZIBdCsz/K2abSUBpSioqNHLdMMe0z9nUd0WDJunijINambq5Wsmk8cZDg==";
  EXPECT_EQ(written(append_key_rotate_payload,
                    KeyRotateFacts{.old_key_id = *parse_digest(old_id),
                                   .new_key_id = *parse_digest(new_id),
                                   .new_key_spki = *parse_base64(spki),
                                   .possession_signature = *parse_base64(signature),
                                   .reason = "scheduled"}),
            std::string{R"({"new_key_alg":"ed25519","new_key_id":")"} + new_id +
                R"(","new_key_spki":")" + spki + R"(","old_key_id":")" + old_id +
                R"(","possession_sig":")" + signature + R"(","reason":"scheduled"})");
}

TEST(SystemPayloads, WorkerCrashWithAndWithoutQuarantine) {
  WorkerCrashFacts f{
      .worker = 1, .signal = 11, .uptime_ms = 5, .flow_key_hash = 0x0123456789abcdef};
  EXPECT_EQ(written(append_worker_crash_payload, f),
            R"({"flow_key_hash":"0123456789abcdef","signal":11,"uptime_ms":5,"worker":1})");
  f.quarantine_sha256 = Digest{};
  EXPECT_EQ(written(append_worker_crash_payload, f),
            R"({"flow_key_hash":"0123456789abcdef","quarantine_sha256":")" + zeros(64) +
                R"(","signal":11,"uptime_ms":5,"worker":1})");
}

TEST(SystemPayloads, AScanNamesWhatItsFlowsHaveInCommon) {
  ScanFacts f{.kind = ScanKind::source,
              .protocol = 6,
              .who = {.bytes = {10, 0, 0, 66}},
              .first_at = timestamp(1'700'000'000'000'000'001),
              .last_at = timestamp(1'700'000'001'000'000'002),
              .flows = 5000,
              .ip_bytes = 200'000,
              .samples = {{{.bytes = {10, 0, 0, 1}}, 22}}};
  constexpr std::string_view common =
      R"("first_at":"2023-11-14T22:13:20.000000001Z","flows":5000,"ip_bytes":200000,)";
  constexpr std::string_view last = R"("last_at":"2023-11-14T22:13:21.000000002Z","protocol":6,)"
                                    R"("samples":[{"ip":"10.0.0.1","port":22}])";
  const auto text = [&](std::string_view before, std::string_view kind, std::string_view after) {
    return std::string{"{"}
        .append(before)
        .append(common)
        .append(R"("kind":")")
        .append(kind)
        .append(R"(",)")
        .append(last)
        .append(after)
        .append("}");
  };
  EXPECT_EQ(written(append_scan_payload, f), text("", "source", R"(,"src_ip":"10.0.0.66")"));
  f.kind = ScanKind::target;
  EXPECT_EQ(written(append_scan_payload, f), text(R"("dst_ip":"10.0.0.66",)", "target", ""));
  f.kind = ScanKind::any;
  EXPECT_EQ(written(append_scan_payload, f), text("", "any", ""));
}

TEST(SystemPayloads, ProbeStartSaysWhatAnUncleanEndLost) {
  ProbeStartFacts f;
  f.probe_version = "1.0.0";
  f.ndpi_version = "4.2.0";
  EXPECT_EQ(written(append_probe_start_payload, f).find("loss_window"), std::string::npos);
  f.clean_shutdown = false;
  f.loss_window = LossWindow{timestamp(1), timestamp(2)};
  f.software = {.libpcap_version = "1.10.3",
                .openssl_version = "3.0",
                .kernel_version = "6.1",
                .build_sha256 = Digest{},
                .ndpi_library_sha256 = Digest{}};
  const std::string text = written(append_probe_start_payload, f);
  EXPECT_NE(text.find(R"("loss_window":{"from":"1970-01-01T00:00:00.000000001Z",)"
                      R"("to":"1970-01-01T00:00:00.000000002Z"})"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find(R"("versions":{"build_sha256":")" + zeros(64) +
                R"(","kernel":"6.1","libpcap":"1.10.3","ndpi":"4.2.0","ndpi_library_sha256":")" +
                zeros(64) + R"(","openssl":"3.0","probe":"1.0.0",)"),
      std::string::npos)
      << text;
}

TEST(SystemPayloads, OnlyACanaryIsMarked) {
  DnsTransaction t;
  t.query = DnsMessage{};
  for (const bool canary : {false, true}) {
    std::string out;
    append_dns_payload(out, t, canary);
    EXPECT_TRUE(is_canonical_json(out)) << out;
    EXPECT_EQ(out.find(R"("canary":true)") != std::string::npos, canary);
    out.clear();
    Flow flow;
    append_flow_payload(out, flow, EndReason::idle, true, Verdict{}, nullptr, canary);
    EXPECT_TRUE(is_canonical_json(out)) << out;
    EXPECT_EQ(out.find(R"("canary":true)") != std::string::npos, canary);
  }
}

}  // namespace
}  // namespace dpi
