#include "probe/audit/row_deriver.h"

#include <gtest/gtest.h>

#include "probe/base/ip_address.h"
#include "tests/unit/audit/bundle.h"

namespace dpi {
namespace {

class RowDeriverTest : public testing::Test {
 protected:
  std::optional<std::string> derive(const std::string& type, const std::string& payload) {
    envelope_.event_type = type;
    return deriver_.derive(envelope_, payload, {.ingested_at = 5, .tenant = {}}, 0, rows_);
  }
  // The value of a column of the only row of the table, as people see it.
  std::string shown(const std::string& table, const std::string& column, std::size_t row = 0) {
    for (std::size_t t = 0; t < plans_.tables().size(); ++t) {
      const BundleTable& of = *plans_.tables()[t];
      if (of.name != table || rows_[t].rows.size() <= row) continue;
      std::vector<WireField> fields;
      EXPECT_TRUE(split_row(rows_[t].row(row), fields));
      const std::size_t at = of.column(column).value();
      return field_text(fields[at], of.columns[at].type);
    }
    return "no such row";
  }
  std::size_t rows() const {
    std::size_t count = 0;
    for (const ExpectedRows& table : rows_) count += table.rows.size();
    return count;
  }

  BundleCatalogue bundle_ = bundle_of_the_tree();
  RowPlans plans_{bundle_};
  RowDeriver deriver_{plans_};
  Envelope envelope_;
  std::vector<ExpectedRows> rows_ = std::vector<ExpectedRows>(plans_.tables().size());
};

TEST_F(RowDeriverTest, MakesARowOfEachMember) {
  envelope_.seq = 7;
  ASSERT_EQ(derive("clock.step", R"({"delta_us":-5,"source":"ntp","synced_after":true})"),
            std::nullopt);
  EXPECT_EQ(shown("re_dpi.clock_step", "seq"), "7");
  EXPECT_EQ(shown("re_dpi.clock_step", "delta_us"), "-5");
  EXPECT_EQ(shown("re_dpi.clock_step", "source"), "'ntp'");
  EXPECT_EQ(shown("re_dpi.clock_step", "synced_after"), "true");
}

TEST_F(RowDeriverTest, SplitsTimesAtTheMicrosecond) {
  ASSERT_EQ(
      derive("loss.report",
             R"({"bytes":1,"cause":"nic","events":[{"count":2,"event_type":"a.b"}],)"
             R"("interval_end":"2026-01-02T03:04:05.000006789Z",)"
             R"("interval_start":"2026-01-02T03:04:05.000000000Z","packets":1,"policy":"p"})"),
      std::nullopt);
  EXPECT_EQ(shown("re_dpi.loss_report", "interval_end"), "2026-01-02T03:04:05.000006Z");
  EXPECT_EQ(shown("re_dpi.loss_report", "interval_end_ns"), "789");
  EXPECT_EQ(shown("re_dpi.loss_report_event", "count"), "2");
}

TEST_F(RowDeriverTest, MakesARowOfEachElement) {
  const std::string digest(64, 'a');
  ASSERT_EQ(derive("config.change", R"({"members":["x","y"],"new_sha256":")" + digest +
                                        R"(","old_sha256":")" + digest + "\"}"),
            std::nullopt);
  EXPECT_EQ(shown("re_dpi.config_change_member", "member", 1), "'y'");
  EXPECT_EQ(rows(), 3U);
}

TEST_F(RowDeriverTest, TakesMembersOfObjects) {
  ASSERT_EQ(
      derive("probe.stop", R"({"reason":"signal","run_id":"00000000-0000-8000-8000-000000000002",)"
                           R"("totals":{"dns_transactions":1,"events_sealed":2,"flow_records":3,)"
                           R"("packets_offered":4}})"),
      std::nullopt);
  EXPECT_EQ(shown("re_dpi.probe_stop", "flow_records"), "3");
}

TEST_F(RowDeriverTest, RefusesWhatTheContractRefusesAndLeavesNothing) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {R"({"delta_us":-5,"source":"ntp"})", "no value for synced_after"},
      {R"({"delta_us":-5,"more":1,"source":"ntp","synced_after":true})", "unknown member more"},
      {R"({"delta_us":"5","source":"ntp","synced_after":true})",
       "another type of value in delta_us"},
      {R"({"delta_us":5,"source":7,"synced_after":true})", "another type of value in source"},
      {R"({"delta_us":null,"source":"ntp","synced_after":true})",
       "no canonical object in the payload"},
      {R"({"delta_us":5,"source":"ntp","synced_after":2})",
       "another type of value in synced_after"},
      {R"([1])", "no canonical object in the payload"}};
  for (const auto& [payload, why] : refused) {
    EXPECT_EQ(derive("clock.step", payload), why) << payload;
    EXPECT_EQ(rows(), 0U) << payload;
  }
}

TEST_F(RowDeriverTest, LeavesNothingOfARowWhoseElementIsRefused) {
  EXPECT_NE(
      derive("loss.report",
             R"({"bytes":1,"cause":"nic","events":[{"count":2,"event_type":"a.b"},{}],)"
             R"("interval_end":"2026-01-02T03:04:05.000006789Z",)"
             R"("interval_start":"2026-01-02T03:04:05.000000000Z","packets":1,"policy":"p"})"),
      std::nullopt);
  EXPECT_EQ(rows(), 0U);
}

TEST_F(RowDeriverTest, RefusesAKeyThatStandsTwice) {
  const std::string digest(64, 'a');
  EXPECT_EQ(derive("config.change", R"({"members":["x","y","x"],"new_sha256":")" + digest +
                                        R"(","old_sha256":")" + digest + "\"}"),
            "a key stands twice in members");
  EXPECT_EQ(rows(), 0U);
}

TEST_F(RowDeriverTest, MakesNothingOfATypeWithoutRows) {
  EXPECT_EQ(derive("chain.start", "{}"), std::nullopt);
  EXPECT_EQ(rows(), 0U);
}

TEST(Harmless, ShowsWhatATerminalWouldActOn) {
  EXPECT_EQ(harmless("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(harmless("\xe2\x80\xae"), "\\xe2\\x80\\xae");
  EXPECT_EQ(harmless(std::string(200, 'x'), 10), "xxxxxxxxxx…");
}

TEST(WireRow, ShowsValuesByType) {
  ByteBuffer bytes;
  RowWriter row(bytes);
  row.begin(5);
  row.int2(-3);
  row.null();
  row.inet(IpAddress{.bytes = {192, 0, 2, 1}}.wire());
  row.boolean(true);
  row.bytes(ByteBuffer{1, 0xff});
  std::vector<WireField> fields;
  ASSERT_TRUE(split_row(bytes, fields));
  EXPECT_EQ(field_text(fields[0], ColumnType::int2), "-3");
  EXPECT_EQ(field_text(fields[1], ColumnType::text), "NULL");
  EXPECT_EQ(field_text(fields[2], ColumnType::inet), "192.0.2.1");
  EXPECT_EQ(field_text(fields[3], ColumnType::boolean), "true");
  EXPECT_EQ(field_text(fields[4], ColumnType::bytea), "\\x01ff");
  bytes.pop_back();
  EXPECT_FALSE(split_row(bytes, fields));
}

}  // namespace
}  // namespace dpi
