#include "probe/audit/row_rules.h"

#include <gtest/gtest.h>

#include "tests/unit/audit/bundle.h"

namespace dpi {
namespace {

class RowRulesTest : public testing::Test {
 protected:
  std::string broken(const std::string& type, const std::string& payload) {
    Envelope envelope;
    envelope.component = "dpi_probe";
    envelope.event_type = type;
    envelope.event_version = 1;
    const auto rule = rules_.broken(envelope, payload);
    return rule ? rule->rule : "";
  }

  BundleCatalogue bundle_ = bundle_of_the_tree();
  RowPlans plans_{bundle_};
  RowRules rules_{plans_};
};

TEST_F(RowRulesTest, NamesTheRuleAsTheDatabaseDoes) {
  EXPECT_EQ(broken("clock.step", R"({"delta_us":-5,"source":"ntp","synced_after":true})"), "");
  EXPECT_EQ(broken("clock.step", R"({"delta_us":-5,"source":"sun","synced_after":true})"),
            "clock_step_source_is_valid");
  const auto loss = [&](const std::string& end) {
    return broken(
        "loss.report",
        R"({"bytes":1,"cause":"nic","events":[],"interval_end":")" + end +
            R"(","interval_start":"2026-01-02T03:04:05.000000000Z","packets":1,"policy":"p"})");
  };
  EXPECT_EQ(loss("2026-01-02T03:04:05.000000000Z"), "");
  EXPECT_EQ(loss("2026-01-02T03:04:04.999999999Z"), "loss_report_interval_is_ordered");
  EXPECT_EQ(broken("clock.step", R"({"delta_us":-5,"source":"ntp"})"), "payload_is_of_contract");
  EXPECT_EQ(broken("clock.step", R"({"delta_us":-5,"moon":1,"source":"ntp","synced_after":true})"),
            "payload_is_of_contract");
  EXPECT_EQ(broken("sun.rise", "{}"), "event_type_is_known");
  EXPECT_EQ(broken("chain.start", R"({"anything":1})"), "") << "it makes no rows";
}

TEST_F(RowRulesTest, AnObjectIsWholeOrNotThere) {
  const std::string digest(64, 'a');
  const auto start = [&](const std::string& window) {
    return broken("probe.start",
                  R"({"clean_shutdown":true,"config_sha256":")" + digest +
                      R"(","head_before":{"last_hash":")" + digest + R"(","tree_size":1},)" +
                      window +
                      R"("pid_start_mono_us":1,"recovered_bytes_cut":0,)"
                      R"("run_id":"00000000-0000-8000-8000-000000000002",)"
                      R"("versions":{"kernel":"6","ndpi":"4","probe":"1","schema_sha256":")" +
                      digest + R"("}})");
  };
  const std::string from = R"("from":"2026-01-02T03:04:05.000000000Z")";
  const std::string to = R"("to":"2026-01-02T03:04:05.000000000Z")";
  EXPECT_EQ(start(""), "");
  EXPECT_EQ(start(R"("loss_window":{)" + from + "," + to + "},"), "");
  EXPECT_EQ(start(R"("loss_window":{},)"), "payload_is_of_contract");
  EXPECT_EQ(start(R"("loss_window":{)" + from + "},"), "payload_is_of_contract");
}

TEST_F(RowRulesTest, JudgesRowsOfListsToo) {
  const std::string digest(64, 'a');
  const auto change = [&](const std::string& members) {
    return R"({"members":[)" + members + R"(],"new_sha256":")" + digest + R"(","old_sha256":")" +
           digest + "\"}";
  };
  EXPECT_EQ(broken("config.change", change(R"("x","y")")), "");
  EXPECT_EQ(broken("config.change", change(R"("x","")")), "config_change_member_member_is_valid");
  EXPECT_EQ(broken("config.change", change(R"("x","x")")), "payload_is_of_contract");
}

}  // namespace
}  // namespace dpi
