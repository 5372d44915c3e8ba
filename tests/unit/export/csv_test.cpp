#include "probe/export/csv.h"

#include <gtest/gtest.h>

#include "tests/unit/export/events.h"

namespace dpi {
namespace {

std::string cell(MemberKind kind, std::string_view text) {
  std::string out;
  append_csv_cell(out, kind, text);
  return out;
}

TEST(Csv, QuotesWhatHoldsACommaOrAQuotationMark) {
  EXPECT_EQ(cell(MemberKind::pct, "a,b"), R"("a,b")");
  EXPECT_EQ(cell(MemberKind::json, R"(["a","b"])"), R"("[""a"",""b""]")");
  EXPECT_EQ(cell(MemberKind::pct, "a;b"), R"("a;b")");
  EXPECT_EQ(cell(MemberKind::text, "plain"), "plain");
}

TEST(Csv, LetsNoUntrustedTextBeginAFormula) {
  EXPECT_EQ(cell(MemberKind::pct, "=cmd|'/c%20calc'!A1"), "%3Dcmd|'/c%20calc'!A1");
  EXPECT_EQ(cell(MemberKind::pct, "+1"), "%2B1");
  EXPECT_EQ(cell(MemberKind::pct, "-1"), "%2D1");
  EXPECT_EQ(cell(MemberKind::pct, "@SUM(A1)"), "%40SUM(A1)");
  EXPECT_EQ(cell(MemberKind::pct, "a=b-c"), "a=b-c");
}

TEST(Csv, LetsNoneBeginBehindASeparatorOrInsideAList) {
  EXPECT_EQ(cell(MemberKind::pct, "a;=1,-2"), R"("a;%3D1,%2D2")");
  EXPECT_EQ(cell(MemberKind::json, R"([{"bytes":-5,"name":"=x"}])"),
            R"("[{""bytes"":-5,""name"":""%3Dx""}]")");
}

TEST(Csv, LeavesNumbersAlone) {
  EXPECT_EQ(cell(MemberKind::number, "-12"), "-12");
}

TEST(Csv, HasAsManyCellsAsColumns) {
  const RowMapping& row = *row_mapping("clock.step");
  EXPECT_EQ(csv_header(row),
            "observed_at,instance,seq,event_sha256,event_id,delta_us,source,synced_after\r\n");
  const std::string envelope = test_envelope("clock.step");
  ExportedEvent event;
  ASSERT_TRUE(event.read(3, envelope, R"({"delta_us":-7,"synced_after":true})"));
  std::string out;
  append_csv_row(out, row, event);
  EXPECT_EQ(out, "2023-11-14T22:13:20.004000005Z," + std::string{test_instance} + ",3," +
                     std::string{event.sha256()} +
                     ",018bcfe5-6804-87a6-9b2b-5401ea176b5a,-7,,true\r\n");
}

}  // namespace
}  // namespace dpi
