#include "probe/audit/check_expression.h"

#include <gtest/gtest.h>

#include "probe/audit/wire_row.h"
#include "tests/unit/audit/bundle.h"

namespace dpi {
namespace {

BundleTable table_of(std::initializer_list<std::pair<const char*, ColumnType>> columns) {
  BundleTable out;
  out.name = "t";
  for (const auto& [name, type] : columns) {
    BundleColumn& column = out.columns.emplace_back();
    column.name = name;
    column.type = type;
  }
  return out;
}

const BundleTable table = table_of({{"n", ColumnType::int8},
                                    {"m", ColumnType::int4},
                                    {"none", ColumnType::int8},
                                    {"s", ColumnType::text},
                                    {"nothing", ColumnType::text},
                                    {"yes", ColumnType::boolean},
                                    {"unknown", ColumnType::boolean},
                                    {"v4", ColumnType::inet},
                                    {"v6", ColumnType::inet},
                                    {"at", ColumnType::timestamptz}});

// A row of n = 7, m = -3, s = 'abc', yes = true, addresses; none, nothing and unknown are NULL.
class CheckExpressionTest : public testing::Test {
 protected:
  CheckExpressionTest() {
    RowWriter to(row_);
    to.begin(table.columns.size());
    to.int8(7);
    to.int4(-3);
    to.null();
    to.text("abc");
    to.null();
    to.boolean(true);
    to.null();
    to.inet(ByteBuffer{192, 0, 2, 1});
    to.inet(ByteBuffer(16, 1));
    to.time(5);
    EXPECT_TRUE(split_row(row_, fields_));
  }
  bool holds(std::string_view text) {
    const auto expression = CheckExpression::parse(text, table);
    EXPECT_TRUE(expression) << (expression ? "" : expression.error().what);
    return expression && expression->holds(fields_);
  }

  ByteBuffer row_;
  std::vector<WireField> fields_;
};

TEST_F(CheckExpressionTest, HoldsWhatIsTrueAndNotWhatIsFalse) {
  for (const char* const text : {"n = 7",
                                 "m = -3",
                                 "n <> 8",
                                 "n > m",
                                 "n >= 7",
                                 "m < 0",
                                 "m <= -3",
                                 "n - 8 < 0",
                                 "n + m = 4",
                                 "n between 7 and 7",
                                 "n in (1, 7)",
                                 "s in ('x', 'abc')",
                                 "not n = 8",
                                 "n = 7 and m = -3",
                                 "n = 8 or m = -3",
                                 "n = 8 and n = 8 or n = 7",
                                 "not (n = 8 and n = 7)",
                                 "yes",
                                 "yes is true",
                                 "not yes is false",
                                 "none is null",
                                 "n is not null",
                                 "unknown is not true",
                                 "unknown is not false",
                                 "s ~ '^[a-c]{3}$'",
                                 "s !~ '[^!-~]'",
                                 "s ~ '^([a-z])*$'",
                                 "octet_length(s) = 3",
                                 "starts_with(s, 'ab')",
                                 "least(n, m, none) = -3",
                                 "greatest(n, none, m) = 7",
                                 "num_nulls(n, none, nothing) in (0, 2)",
                                 "num_nonnulls(n, none) = 1",
                                 "family(v4) = 4 and family(v6) = 6",
                                 "masklen(v4) = case family(v4) when 4 then 32 else 128 end",
                                 "masklen(v6) = case family(v6) when 4 then 32 else 128 end",
                                 "case when n is null then false else m < 0 end",
                                 "(n, m) >= (7, -4)",
                                 "(n, m) < (8, none)",
                                 "(none is null) = (nothing is null)",
                                 "s = 'abc'",
                                 "'it''s' = 'it''s'",
                                 "at >= at"}) {
    EXPECT_TRUE(holds(text)) << text;
    EXPECT_FALSE(holds(std::string{"not ("} + text + ")")) << text;
  }
}

// SQL: a CHECK is broken by what is false, not by what is unknown.
TEST_F(CheckExpressionTest, WhatIsUnknownHoldsUnlessTheRestDecides) {
  for (const char* const text :
       {"none = 1", "not none = 1", "none between 1 and 2", "none in (1, 2)", "n in (1, none)",
        "octet_length(nothing) = 3", "nothing ~ 'x'", "nothing !~ 'x'", "unknown", "not unknown",
        "none = 1 and n = 7", "none = 1 or n = 8", "least(none) >= 0", "(n, none) > (7, 1)",
        "none + 1 = 2"})
    EXPECT_TRUE(holds(text)) << text;
  EXPECT_FALSE(holds("none = 1 and n = 8"));
  EXPECT_FALSE(holds("n = 8 and none = 1"));
  EXPECT_TRUE(holds("none = 1 or n = 7"));
  EXPECT_FALSE(holds("n in (1, 2)"));
}

TEST_F(CheckExpressionTest, NothingOverflows) {
  EXPECT_TRUE(holds("n + 9223372036854775807 > 0")) << "unknown; PostgreSQL refuses the row";
  EXPECT_TRUE(holds("m - 9223372036854775807 < 0"));
}

TEST_F(CheckExpressionTest, SaysWhatItDoesNotUnderstand) {
  for (const char* const text :
       {"", "other = 1", "n =", "n = 7 7", "random() = 1", "octet_length(s, s) = 1", "(n = 7",
        "n in 7", "n between 1", "s ~ n", "case end", "case when n then 1", "n is 7", "n % 2 = 0",
        "s ~ '['", "n = 99999999999999999999"}) {
    EXPECT_FALSE(CheckExpression::parse(text, table)) << text;
  }
}

// Every byte at which it may end.
TEST_F(CheckExpressionTest, ReadsAnyCheckThatIsCutShort) {
  const BundleCatalogue bundle = bundle_of_the_tree();
  for (const BundleTable& each : bundle.tables()) {
    if (!each.name.starts_with("re_dpi.")) continue;
    for (const BundleCheck& check : each.checks) {
      ASSERT_TRUE(CheckExpression::parse(check.expression, each)) << check.name;
      const std::size_t step = check.expression.size() > 300 ? 37 : 1;
      for (std::size_t size = 0; size < check.expression.size(); size += step)
        (void)CheckExpression::parse(std::string_view{check.expression}.substr(0, size), each);
    }
  }
}

}  // namespace
}  // namespace dpi
