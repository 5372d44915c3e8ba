// A database, a chain of events and folders for spools: what tests of shipping begin with.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "probe/store/shipper.h"
#include "probe/store/spool_sink.h"
#include "tests/unit/store/chain.h"
#include "tests/unit/store/private_cluster.h"

namespace dpi::test {

class StoreFixture : public testing::Test {
 protected:
  void SetUp() override {
    cluster_ = PrivateCluster::get();
    if (cluster_ == nullptr) {
      GTEST_SKIP() << "PostgreSQL is missing or does not start here (apt-get install postgresql)";
    }
    database_ = cluster_->create_database();
    std::string name = "/tmp/dpi-store-spool.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] ShipTarget target(bool replay = true) const {
    const Chain chain;
    return {.conninfo = cluster_->conninfo(database_, "writer"),
            .instance = Chain::identity().instance,
            .machine = Chain::identity().machine,
            .spki = chain.sealer().key().public_key().spki(),
            .replay = replay};
  }
  [[nodiscard]] std::string admin() const { return cluster_->conninfo(database_, "postgres"); }
  [[nodiscard]] std::string asked(const std::string& sql) const { return ask(admin(), sql); }
  // The database serves writers of other contracts than ours.
  void serve_contracts(int oldest, int newest) const {
    static_cast<void>(asked(fmt::format(
        "create or replace function re_core.writer_contract(out oldest int, out newest int) "
        "language sql as 'select {}, {}'",
        oldest, newest)));
  }
  // Every event once, one after another, each batch signed, and the whole chain intact.
  void expect_stored(std::uint64_t events) const {
    EXPECT_EQ(asked("select count(*) from re_raw.raw_event"), std::to_string(events));
    EXPECT_EQ(asked("select count(distinct seq) from re_raw.raw_event"), std::to_string(events));
    EXPECT_EQ(asked("select coalesce(max(tree_size), 0) from re_raw.checkpoint"),
              std::to_string(events));
    EXPECT_EQ(asked("select count(*) from re_core.component_instance c, "
                    "re_raw.verify_chain(c.component_instance_id) v"),
              "0");
  }

  PrivateCluster* cluster_ = nullptr;
  std::string database_;
  std::filesystem::path folder_;
};

}  // namespace dpi::test
