#include "probe/audit/row_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/audit/bundle.h"

namespace dpi {
namespace {

TEST(BundleCatalogue, ReadsTablesColumnsKeysAndChecks) {
  const BundleCatalogue bundle = bundle_of_the_tree();
  const BundleTable& flow = bundle.table("re_dpi.flow");
  EXPECT_TRUE(flow.partitioned);
  EXPECT_EQ(flow.columns.front().name, "ingested_at");
  EXPECT_EQ(flow.columns[*flow.column("src_ip")].type, ColumnType::inet);
  EXPECT_TRUE(flow.columns[*flow.column("src_ip")].not_null);
  EXPECT_FALSE(flow.columns[*flow.column("canary")].not_null);
  EXPECT_EQ(flow.key, (std::vector<std::string>{"ingested_at", "component_instance_id", "seq"}));
  EXPECT_GT(flow.checks.size(), 20U);
  const BundleTable& gap = bundle.table("re_raw.chain_gap");
  EXPECT_FALSE(gap.partitioned);
  EXPECT_EQ(gap.columns.size(), 8U);
  EXPECT_EQ(bundle.table("re_raw.raw_event").columns.size(), 25U);
}

TEST(BundleCatalogue, ReadsEventTypesWithTheTableOfTheirRow) {
  const BundleCatalogue bundle = bundle_of_the_tree();
  const auto flow =
      std::ranges::find(bundle.event_types(), "dpi.flow", &BundleEventType::event_type);
  ASSERT_NE(flow, bundle.event_types().end());
  EXPECT_EQ(flow->component, "dpi_probe");
  EXPECT_EQ(flow->event_version, 1U);
  EXPECT_EQ(flow->table, "re_dpi.flow");
}

TEST(RowPlans, HaveASourceForEveryTableOfFacts) {
  const BundleCatalogue bundle = bundle_of_the_tree();
  const RowPlans plans(bundle);
  for (const BundleTable& table : bundle.tables()) {
    const bool facts = table.name.starts_with("re_dpi.") || table.name.starts_with("re_agent.");
    const bool planned = std::ranges::find(plans.tables(), &table) != plans.tables().end();
    EXPECT_EQ(facts, planned) << table.name;
  }
}

TEST(RowPlans, TakeEveryColumnFromSomewhereOfItsType) {
  const BundleCatalogue bundle = bundle_of_the_tree();
  const RowPlans plans(bundle);
  for (const BundleEventType& type : bundle.event_types()) {
    const RowPlan* const plan = plans.find(type.component, type.event_type, type.event_version);
    ASSERT_NE(plan, nullptr) << type.event_type;
    ASSERT_EQ(plan->columns.size(), plan->table->columns.size());
    for (std::size_t i = 0; i < plan->columns.size(); ++i) {
      const BundleColumn& column = plan->table->columns[i];
      EXPECT_EQ(plan->columns[i].from == ColumnFrom::sum, !column.generated.empty()) << column.name;
      // A column of nanoseconds never stands for itself.
      if (column.name.ends_with("_ns")) {
        EXPECT_NE(plan->columns[i].from, ColumnFrom::member) << column.name;
      }
    }
  }
}

TEST(RowPlans, KnowTypesWithoutRows) {
  const RowPlans plans(bundle_of_the_tree());
  EXPECT_TRUE(plans.knows("dpi_probe", "chain.start", 1));
  EXPECT_EQ(plans.find("dpi_probe", "chain.start", 1), nullptr);
  EXPECT_FALSE(plans.knows("dpi_probe", "chain.start", 2));
  EXPECT_FALSE(plans.knows("linux_agent", "dpi.flow", 1));
}

}  // namespace
}  // namespace dpi
