#include <gtest/gtest.h>

#include <string>

#include "probe/app/diff_text.h"
#include "probe/app/run_comparison.h"

namespace dpi {
namespace {

std::string flow(const std::string& community, int record, const std::string& app,
                 const std::string& start, const std::string& more = "") {
  return R"({"app":")" + app + R"(","community_id":")" + community +
         R"(","dst_ip":"198.51.100.2","dst_port":443,"protocol":6,"record":)" +
         std::to_string(record) + more + R"(,"src_ip":"192.0.2.1","src_port":1111,"start_at":")" +
         start + "\"}";
}

std::string exchange(int id, const std::string& outcome, const std::string& more = "") {
  return R"({"community_id":"1:d","dst_ip":"2001:db8::53","dst_port":53,"id":)" +
         std::to_string(id) + more + R"(,"outcome":")" + outcome +
         R"(","qname":"www.example.org","qtype":"A","query_at":"2026-11-30T10:00:0)" +
         std::to_string(id % 10) +
         R"(.000000000Z","service":"dns","src_ip":"2001:db8::1","src_port":4000})";
}

constexpr const char* ten = "2026-11-30T10:00:00.000000000Z";
constexpr const char* eleven = "2026-11-30T11:00:00.000000000Z";

TEST(RunComparison, PositionsDoNotMatter) {
  RunComparison c;
  for (const auto& row : {flow("1:a", 0, "TLS", ten), flow("1:b", 0, "DNS", ten)})
    c.first("dpi.flow", row);
  c.first("dpi.dns", exchange(1, "answered"));
  c.second("dpi.dns", exchange(1, "answered"));
  for (const auto& row : {flow("1:b", 0, "DNS", ten), flow("1:a", 0, "TLS", ten)})
    c.second("dpi.flow", row);
  const RunDifferences found = c.finish();
  EXPECT_TRUE(found.equal());
  EXPECT_EQ(diff_text(found, "a", "b", 0), "equal: 2 flows and 1 DNS exchanges\n");
}

TEST(RunComparison, ARowThatComesTwiceIsTwoRows) {
  RunComparison c;
  c.first("dpi.flow", flow("1:a", 0, "TLS", ten));
  c.first("dpi.flow", flow("1:a", 0, "TLS", ten));
  c.second("dpi.flow", flow("1:a", 0, "TLS", ten));
  const RunDifferences found = c.finish();
  ASSERT_EQ(found.differences.size(), 1U);
  EXPECT_EQ(found.differences[0].change, RowChange::gone);
}

TEST(RunComparison, RowsOfOneKeyAreMatchedByTheirTime) {
  // The same five-tuple twice; the later one changed, the earlier one is gone.
  RunComparison c;
  c.first("dpi.flow", flow("1:a", 0, "TLS", ten));
  c.first("dpi.flow", flow("1:a", 0, "TLS", eleven));
  c.second("dpi.flow", flow("1:a", 0, "HTTP", eleven));
  const RunDifferences found = c.finish();
  ASSERT_EQ(found.differences.size(), 2U);
  EXPECT_EQ(found.differences[0].change, RowChange::changed);
  ASSERT_EQ(found.differences[0].members.size(), 1U);
  EXPECT_EQ(found.differences[0].members[0].name, "app");
  EXPECT_EQ(found.differences[1].change, RowChange::gone);
}

TEST(RunComparison, CanariesAreNoTraffic) {
  RunComparison c;
  c.first("dpi.flow", flow("1:a", 0, "DNS", ten, ",\"canary\":true"));
  EXPECT_TRUE(c.finish().equal());
}

TEST(RunComparison, OfHeartbeatsTheLastLedgerIsCompared) {
  RunComparison c;
  c.first("health.heartbeat", R"({"anomalies":[],"interval_ms":1,"packets_offered":7})");
  c.second("health.heartbeat", R"({"anomalies":[],"interval_ms":9,"packets_offered":1})");
  c.second("health.heartbeat",
           R"({"anomalies":[{"count":2,"name":"frame_cut"}],"interval_ms":9,"packets_offered":7})");
  const RunDifferences found = c.finish();
  ASSERT_EQ(found.differences.size(), 1U);
  ASSERT_EQ(found.differences[0].members.size(), 1U);
  EXPECT_EQ(found.differences[0].members[0].name, "anomaly frame_cut");
}

RunDifferences golden() {
  RunComparison c;
  c.first("dpi.flow", flow("1:a", 0, "TLS", ten));
  c.first("dpi.flow", flow("1:b", 0, "SSH", ten));
  c.first("dpi.dns", exchange(1, "answered"));
  c.first("dpi.dns", exchange(2, "unanswered"));
  c.second("dpi.flow", flow("1:a", 0, "TLS.Google", ten, ",\"server_name\":\"www.example.com\""));
  c.second("dpi.flow", flow("1:c", 1, "TLS", ten));
  c.second("dpi.dns", exchange(1, "answered"));
  c.second("dpi.dns", exchange(2, "answered", ",\"note\":\"" + std::string(80, 'x') + "\""));
  return c.finish();
}

TEST(DiffText, ReadsWellInEightyColumns) {
  EXPECT_EQ(diff_text(golden(), "before.jsonl", "after.jsonl", 50),
            R"(first   before.jsonl
second  after.jsonl

changed flow TLS.Google protocol 6 www.example.com
        192.0.2.1:1111 > 198.51.100.2:443
          app                    TLS > TLS.Google
          server_name            (absent) > www.example.com
gone    flow SSH protocol 6
        192.0.2.1:1111 > 198.51.100.2:443
new     flow TLS protocol 6 record 1
        192.0.2.1:1111 > 198.51.100.2:443
changed dns answered www.example.org A id 2
        [2001:db8::1]:4000 > [2001:db8::53]:53
          note
            - (absent)
            + xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
          outcome                unanswered > answered

ROWS                         FIRST    SECOND    EQUAL      NEW     GONE  CHANGED
flow                             2         2        0        1        1        1
dns                              2         2        1        0        0        1
last heartbeat                   0         0        0        0        0        0

BY APPLICATION                                             NEW     GONE  CHANGED
SSH                                                          0        1        0
TLS                                                          1        0        0
TLS.Google                                                   0        0        1
dns                                                          0        0        1

BY MEMBER                                                                CHANGED
dns note                                                                       1
dns outcome                                                                    1
flow app                                                                       1
flow server_name                                                               1
)");
}

TEST(DiffText, NoLineIsLonger) {
  const std::string text = diff_text(golden(), std::string(300, 'a'), std::string(300, 'b'), 50);
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(DiffText, SaysHowManyItDoesNotShow) {
  EXPECT_NE(diff_text(golden(), "a", "b", 1).find("and 3 more differences (--rows 0 shows all)"),
            std::string::npos);
}

TEST(DiffJson, HasEverything) {
  RunComparison c;
  c.first("dpi.flow", flow("1:a", 0, "TLS", ten));
  c.second("dpi.flow", flow("1:a", 0, "HTTP", ten));
  EXPECT_EQ(
      diff_json(c.finish()),
      R"({"by_application":{"HTTP":{"new":0,"gone":0,"changed":1}},"by_member":{"flow app":1},)"
      R"("differences":[{"change":"changed","kind":"flow","members":{"app":["TLS","HTTP"]},)"
      R"("row":)" +
          flow("1:a", 0, "HTTP", ten) +
          R"(}],"equal":false,"rows":{"flow":{"first":1,"second":1,"equal":0,"new":0,"gone":0,)"
          R"("changed":1},"dns":{"first":0,"second":0,"equal":0,"new":0,"gone":0,"changed":0},)"
          R"("heartbeat":{"first":0,"second":0,"equal":0,"new":0,"gone":0,"changed":0}}})"
          "\n");
}

}  // namespace
}  // namespace dpi
