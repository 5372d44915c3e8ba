#include "probe/envelope/json_tree.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(JsonTree, SaysHowAContainerStandsInTheText) {
  JsonTree tree;
  ASSERT_TRUE(tree.read(R"({"a":[1,{"b":"c"}],"d":{}})"));
  EXPECT_EQ(tree.node(1).text, R"([1,{"b":"c"}])");
  EXPECT_EQ(tree.node(3).text, R"({"b":"c"})");
  EXPECT_EQ(tree.node(5).text, "{}");
}

}  // namespace
}  // namespace dpi
