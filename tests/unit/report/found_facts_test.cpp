#include "probe/report/found_facts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace dpi {
namespace {

void add(FoundFacts& facts, std::uint64_t seq, const std::string& type,
         const std::string& payload) {
  ExportedEvent event;
  const std::string envelope = fmt::format(R"({{"event_type":"{}"}})", type);
  ASSERT_TRUE(event.read(seq, envelope, payload)) << payload;
  facts.add(event);
}

std::string flow(std::uint64_t bytes, const std::string& more = "") {
  return fmt::format(
      R"({{"app":"TLS",{}"dst_ip":"2001:db8::1","dst_port":443,"end_at":"2023-11-14T22:13:21.000000000Z",)"
      R"("ip_bytes_dst":1,"ip_bytes_src":{},"packets_dst":1,"packets_src":2,"protocol":6,)"
      R"("risks":["tls_risk"],"src_ip":"192.0.2.1","src_port":1,)"
      R"("start_at":"2023-11-14T22:13:20.000000000Z"}})",
      more, bytes);
}

TEST(FoundFactsTest, AddsUpFlowsUnderTheirNames) {
  FoundFacts facts;
  add(facts, 1, "dpi.flow", flow(10));
  add(facts, 2, "dpi.flow", flow(20));
  EXPECT_EQ(facts.flow_records, 2U);
  EXPECT_EQ(facts.packets, 6U);
  EXPECT_EQ(facts.bytes, 32U);
  const auto apps = facts.applications.ranking();
  ASSERT_EQ(apps.size(), 1U);
  EXPECT_EQ(apps[0].name, "TLS");
  EXPECT_EQ(apps[0].totals->bytes_src, 30U);
  EXPECT_EQ(apps[0].totals->first_seq, 1U);
  EXPECT_EQ(facts.risks.ranking()[0].name, "tls_risk");
  EXPECT_EQ(facts.largest[0].to, "[2001:db8::1]:443");
  EXPECT_EQ(facts.largest[0].seq, 2U);
  EXPECT_EQ(facts.first_at, "2023-11-14T22:13:20.000000000Z");
}

TEST(FoundFactsTest, TheProbesOwnTrafficIsNoFinding) {
  FoundFacts facts;
  add(facts, 1, "dpi.flow", flow(10, R"("canary":true,)"));
  EXPECT_EQ(facts.flow_records, 0U);
  EXPECT_TRUE(facts.applications.empty());
}

TEST(FoundFactsTest, KeepsTheLargestFlowsOnly) {
  FoundFacts facts;
  for (std::uint64_t i = 0; i < 3 * FoundFacts::flows_max; ++i)
    add(facts, i, "dpi.flow", flow(i * 7919 % 1000));
  ASSERT_EQ(facts.largest.size(), FoundFacts::flows_max);
  EXPECT_TRUE(std::ranges::is_sorted(facts.largest, std::ranges::greater{}, &FoundFlow::bytes));
}

TEST(FoundFactsTest, SaysWhichNamesWereAnswered) {
  FoundFacts facts;
  for (const std::string_view outcome : {"answered", "unanswered"}) {
    add(facts, 1, "dpi.dns",
        fmt::format(R"({{"outcome":"{}","qname":"a.example","query_at":"2023-11-14T22:13:20.0Z"}})",
                    outcome));
  }
  const auto asked = facts.questions.ranking();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].totals->events, 2U);
  EXPECT_EQ(asked[0].totals->answered, 1U);
}

TEST(FoundFactsTest, TheLastHeartbeatSaysWhereThePacketsWent) {
  FoundFacts facts;
  add(facts, 1, "health.heartbeat", R"({"packets_decoded":1,"packets_offered":1})");
  add(facts, 2, "health.heartbeat", R"({"packets_decoded":3,"packets_offered":4})");
  EXPECT_EQ(facts.ledger, (std::vector<std::pair<std::string, std::uint64_t>>{
                              {"packets_decoded", 3}, {"packets_offered", 4}}));
}

}  // namespace
}  // namespace dpi
