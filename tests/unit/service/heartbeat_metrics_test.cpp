#include "probe/service/heartbeat_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace dpi {
namespace {

using testing::HasSubstr;
using testing::Not;

HeartbeatFacts full() {
  HeartbeatFacts f;
  f.at = Timestamp{std::chrono::seconds{1'700'000'000}};
  f.probe_version = "1.2.3";
  f.ndpi_version = "4.2.0";
  f.reasons = {"link_down"};
  f.packets_offered = 10;
  f.packets_decoded = 7;
  f.packets_dropped_kernel = 3;
  InterfaceFacts& interface = f.interfaces.emplace_back();
  interface.name = "rx\"0\n";
  interface.kind = "af_packet";
  interface.link_up = false;
  interface.packets = 7;
  f.queues = QueueFacts{1, 64, 2, 64};
  f.commit = CommitFacts{.commits = 5, .commit_errors = 1, .latency = {{10, 20, 30}}};
  f.spool = SpoolFacts{};
  f.spool->bytes = 100;
  f.spool->cap_bytes = 200;
  f.database = DatabaseFacts{};
  f.database->connected = true;
  f.canary = CanaryFacts{.number = 4, .flow_lag_us = 250'000, .dns_lag_us = 260'000, .stage = ""};
  return f;
}

std::string text_of(MetricsFormat format) {
  std::string out;
  append_metrics(out, heartbeat_metrics(full()), format);
  return out;
}

TEST(HeartbeatMetrics, CountersEndInTotalInBothFormats) {
  EXPECT_THAT(text_of(MetricsFormat::prometheus),
              HasSubstr("# TYPE dpi_capture_offered_packets_total counter\n"
                        "dpi_capture_offered_packets_total 10\n"));
  EXPECT_THAT(text_of(MetricsFormat::openmetrics),
              HasSubstr("# TYPE dpi_capture_offered_packets counter\n"
                        "dpi_capture_offered_packets_total 10\n"));
}

TEST(HeartbeatMetrics, TheOutcomesAddUpToWhatWasOffered) {
  double sum = 0;
  for (const MetricFamily& family : heartbeat_metrics(full())) {
    if (family.name != "dpi_capture_outcome_packets") continue;
    EXPECT_EQ(family.samples.size(), 8U);
    for (const MetricSample& sample : family.samples) sum += sample.value;
  }
  EXPECT_EQ(sum, 10);
}

TEST(HeartbeatMetrics, EachFamilyIsGivenOnceWithHelp) {
  std::set<std::string_view> names;
  for (const MetricFamily& family : heartbeat_metrics(full())) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_TRUE(family.name.starts_with("dpi_")) << family.name;
  }
  EXPECT_GE(names.size(), 40U);
}

TEST(HeartbeatMetrics, AHostileInterfaceNameCannotForgeALine) {
  EXPECT_THAT(text_of(MetricsFormat::prometheus),
              HasSubstr("dpi_interface_packets_total{interface=\"rx\\\"0?\"} 7\n"));
}

TEST(HeartbeatMetrics, ACanaryThatArrivedHasItsLagAndOneThatDidNotItsStage) {
  EXPECT_THAT(text_of(MetricsFormat::prometheus), HasSubstr("dpi_canary_lag_seconds 0.26\n"));
  EXPECT_THAT(text_of(MetricsFormat::prometheus), Not(HasSubstr("dpi_canary_lost_state{")));
  HeartbeatFacts lost = full();
  lost.canary = CanaryFacts{
      .number = 4, .flow_lag_us = std::nullopt, .dns_lag_us = std::nullopt, .stage = "spool"};
  std::string text;
  append_metrics(text, heartbeat_metrics(lost), MetricsFormat::prometheus);
  EXPECT_THAT(text, HasSubstr("dpi_canary_lost_state{stage=\"spool\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("dpi_canary_lag_seconds")));
}

TEST(Metrics, AcceptDecidesTheFormat) {
  EXPECT_EQ(metrics_format(""), MetricsFormat::prometheus);
  EXPECT_EQ(metrics_format("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"), MetricsFormat::prometheus);
  EXPECT_EQ(metrics_format("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
            MetricsFormat::openmetrics);
}

TEST(Metrics, IntegersAreExactUpToTwoToThe53) {
  std::string out;
  append_metrics(out, {{.name = "a", .help = "h", .samples = {{.value = 9007199254740991.0}}}},
                 MetricsFormat::prometheus);
  EXPECT_THAT(out, HasSubstr("\na 9007199254740991\n"));
}

}  // namespace
}  // namespace dpi
