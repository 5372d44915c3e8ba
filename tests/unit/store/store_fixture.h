// A database, a chain of events and folders for spools: what tests of shipping begin with.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "probe/envelope/sealer.h"
#include "probe/store/shipper.h"
#include "probe/store/spool_sink.h"
#include "tests/unit/store/private_cluster.h"

namespace dpi::test {

// Seals the same events whenever it is made again, up to where `flavour` changes what they say.
class Chain {
 public:
  explicit Chain(std::uint64_t flavour_from = ~std::uint64_t{0})
      : flavour_from_(flavour_from), sealer_(identity(), SigningKey::from_seed(Digest{7})) {}

  [[nodiscard]] static Identity identity() {
    Identity out;
    out.instance = {1, 2, 3, 4, 5, 6, 0x70, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
    out.machine = {9, 9, 9, 4, 5, 6, 0x80, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
    out.boot = {3, 3, 3, 4, 5, 6, 0x40, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};
    out.hostname = "sensor";
    out.version = "1.0.0";
    out.mode = Mode::replay;
    return out;
  }

  // One committed batch of so many events.
  void write(EventSink& sink, std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) {
      const std::uint64_t seq = sealer_.next_seq();
      const std::string payload =
          fmt::format(R"({{"n":{}}})", seq + (seq >= flavour_from_ ? 1000 : 0));
      const Timestamp at = timestamp(static_cast<std::int64_t>(1'700'000'000'000'000'000 + seq));
      const auto sealed = sealer_.seal({.type = seq == 0 ? "chain.start" : "test.event",
                                        .version = 1,
                                        .observed_at = at,
                                        .payload = payload},
                                       {.emitted_at = at, .mono_us = seq});
      const auto taken = sink.event(seq, sealed, payload);
      ASSERT_TRUE(taken) << taken.error().what;
    }
    const auto committed = sink.checkpoint(sealer_.checkpoint(), sealer_.head());
    ASSERT_TRUE(committed) << committed.error().what;
  }
  [[nodiscard]] std::uint64_t size() const { return sealer_.next_seq(); }
  [[nodiscard]] const Sealer& sealer() const { return sealer_; }

 private:
  std::uint64_t flavour_from_;
  Sealer sealer_;
};

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
            .bundle_sha256 = cluster_->bundle_sha256(),
            .instance = Chain::identity().instance,
            .machine = Chain::identity().machine,
            .spki = chain.sealer().key().public_key().spki(),
            .replay = replay};
  }
  [[nodiscard]] std::string admin() const { return cluster_->conninfo(database_, "postgres"); }
  [[nodiscard]] std::string asked(const std::string& sql) const { return ask(admin(), sql); }
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
