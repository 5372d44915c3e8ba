#include "probe/audit/table_comparison.h"

#include <gtest/gtest.h>

#include "tests/unit/audit/bundle.h"

namespace dpi {
namespace {

class TableComparisonTest : public testing::Test {
 protected:
  TableComparisonTest() {
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      AuditedEvent& event = events_.emplace_back();
      event.seq = seq;
      event.key = event_key(static_cast<SqlTime>(seq), event.instance, seq);
      for (const char* const risk : {"a", "b"}) {
        const std::size_t begin = expected_.bytes.size();
        const ByteBuffer bytes = row(seq, risk);
        expected_.bytes.insert(expected_.bytes.end(), bytes.begin(), bytes.end());
        expected_.rows.push_back({events_.size() - 1, begin, bytes.size()});
      }
    }
  }
  static ByteBuffer row(std::uint64_t seq, std::string_view risk, Uuid tenant = {}) {
    ByteBuffer out;
    RowWriter to(out);
    to.begin(5);
    to.time(static_cast<SqlTime>(seq));
    to.bytes(Uuid{});
    to.int8(static_cast<std::int64_t>(seq));
    to.bytes(tenant);
    to.text(risk);
    return out;
  }
  std::string compare(const std::vector<ByteBuffer>& rows) {
    said_.clear();
    Findings findings([this](const std::string& line) { said_ += line + "\n"; });
    TableComparison comparison(bundle_.table("re_dpi.flow_risk"), expected_, events_, findings);
    for (const ByteBuffer& bytes : rows) EXPECT_TRUE(comparison.row(bytes));
    comparison.finish();
    return said_;
  }

  BundleCatalogue bundle_ = bundle_of_the_tree();
  std::vector<AuditedEvent> events_;
  ExpectedRows expected_;
  std::string said_;
};

TEST(Findings, ShowTheFirstOnesOfEachTableAndCountAll) {
  std::vector<std::string> shown;
  Findings findings([&](const std::string& line) { shown.push_back(line); });
  for (std::uint64_t i = 0; i < 500; ++i) findings.add({std::nullopt, i, "a.b (x 1)", "wrong"});
  findings.add({std::nullopt, std::nullopt, "c.d", "wrong too"});
  EXPECT_EQ(findings.count(), 501U);
  ASSERT_EQ(shown.size(), Findings::shown_max + 2);
  EXPECT_EQ(shown.front(), "sequence 0: a.b (x 1): wrong");
  EXPECT_EQ(shown.back(), "c.d: wrong too");
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(TableComparisonTest, SaysNothingOfEqualRowsInAnyOrderInsideTheirEvent) {
  EXPECT_EQ(compare({row(1, "b"), row(1, "a"), row(2, "a"), row(2, "b"), row(3, "b"), row(3, "a")}),
            "");
}

TEST_F(TableComparisonTest, NamesTheColumnThatDiffers) {
  const std::string said = compare(
      {row(1, "a", Uuid{9}), row(1, "b"), row(2, "a"), row(2, "b"), row(3, "a"), row(3, "b")});
  EXPECT_TRUE(has(said, "sequence 1: re_dpi.flow_risk (risk 'a'): tenant_id is 09000000-")) << said;
}

TEST_F(TableComparisonTest, NamesWhatIsMissingBeforeBetweenAndBehind) {
  const std::string said = compare({row(2, "a")});
  EXPECT_TRUE(has(said, "sequence 1: re_dpi.flow_risk: the row (risk 'a') is missing")) << said;
  EXPECT_TRUE(has(said, "sequence 2: re_dpi.flow_risk: the row (risk 'b') is missing")) << said;
  EXPECT_TRUE(has(said, "sequence 3: re_dpi.flow_risk: the row (risk 'b') is missing")) << said;
}

TEST_F(TableComparisonTest, NamesWhatWasAdded) {
  const std::string said = compare({row(1, "a"), row(1, "b"), row(1, "b"), row(2, "a"), row(2, "b"),
                                    row(3, "a"), row(3, "b"), row(4, "z")});
  EXPECT_TRUE(has(said, "sequence 1: re_dpi.flow_risk: a row (risk 'b') was added")) << said;
  EXPECT_TRUE(has(said, "sequence 4: re_dpi.flow_risk: a row (risk 'z') was added: no event"))
      << said;
}

TEST_F(TableComparisonTest, TakesARowWithAnotherKeyForTheOneThatIsMissing) {
  const std::string said =
      compare({row(1, "a"), row(1, "x"), row(2, "a"), row(2, "b"), row(3, "a"), row(3, "b")});
  EXPECT_TRUE(has(said, "risk is 'x' instead of 'b'")) << said;
}

TEST_F(TableComparisonTest, CountsManyRowsOfOneEventWithoutKeepingThem) {
  std::vector<ByteBuffer> rows(1000, row(1, "z"));
  EXPECT_TRUE(has(compare(rows), "936 more rows were added")) << said_;
}

}  // namespace
}  // namespace dpi
