#include "probe/app/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "probe/app/memory_budget.h"

namespace dpi {
namespace {

std::string read(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Lines without comments and blanks.
std::string keys_of(const std::string& toml) {
  std::istringstream in(toml);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') out += line + "\n";
  }
  return out;
}

TEST(ConfigTest, TheDocumentedFileIsTheDefaults) {
  const auto config = load_config("config/dpi.toml", {});
  ASSERT_TRUE(config.has_value()) << config.error().what;
  EXPECT_EQ(show_config(*config), show_config(Config{}));
  EXPECT_EQ(keys_of(read("config/dpi.toml")), keys_of(show_config(Config{})))
      << "every key is documented with its default";
}

TEST(ConfigTest, SettingsOverrideAndQuoteThemselves) {
  const auto config = load_config(
      "", {"flow.idle_tcp_s=5", "spool.dir=/a \"b\"/c", "database.conninfo=host=/x user=y"});
  ASSERT_TRUE(config.has_value()) << config.error().what;
  EXPECT_EQ(config->flow_idle_tcp_s, 5U);
  EXPECT_EQ(config->spool_dir, "/a \"b\"/c");
  EXPECT_EQ(config->database_conninfo, "host=/x user=y");
}

// Found by fuzz_config: a form feed was shown as it is, which no TOML reader takes.
TEST(ConfigTest, ControlCharactersAreShownAsEscapes) {
  const auto config = load_config("", {"spool.dir=/a\f\x7f\tb"});
  ASSERT_TRUE(config.has_value()) << config.error().what;
  EXPECT_EQ(config->spool_dir, "/a\f\x7f\tb");
  EXPECT_NE(show_config(*config).find("/a\\u000C\\u007F\\u0009b"), std::string::npos);
}

TEST(ConfigTest, WhatIsWrongIsNamedWithItsPlace) {
  for (const auto& [setting, said] : std::vector<std::pair<std::string, std::string>>{
           {"flow.idle=5", "unknown key flow.idle"},
           {"flows.idle_tcp_s=5", "unknown section"},
           {"flow.idle_tcp_s=0", "1 to 86400"},
           {"flow.idle_tcp_s=-1", "1 to 86400"},
           {"flow.idle_tcp_s=1.5", "whole number"},
           {"flow.idle_tcp_s=999999999999999999999", "flow.idle_tcp_s"},
           {"flow.tunnels=middle", "one of: inner outer"},
           {"flow.key_vlan=1", "true or false"},
           {"signing.key=5", "must be a string"},
           {"nonsense", "section.key=value"}}) {
    const auto config = load_config("", {setting});
    ASSERT_FALSE(config.has_value()) << setting;
    EXPECT_EQ(config.error().code, Errc::usage);
    EXPECT_NE(config.error().what.find(said), std::string::npos) << config.error().what;
  }
  const auto missing = load_config("/nonexistent.toml", {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().what.find("/nonexistent.toml"), std::string::npos);
}

TEST(ConfigTest, ASpoolThatCouldNotEmptyIsRefused) {
  for (const char* const setting : {"spool.cap_mib=200", "spool.keep_acked_mib=20480",
                                    "spool.segment_mib=1024", "spool.cap_mib=1088"}) {
    std::vector<std::string> settings{setting};
    if (settings[0].starts_with("spool.segment")) settings.emplace_back("spool.cap_mib=4095");
    const auto refused = load_config("", settings);
    ASSERT_FALSE(refused) << setting;
    EXPECT_NE(refused.error().what.find("spool."), std::string::npos) << refused.error().what;
  }
  EXPECT_TRUE(
      load_config("", {"spool.cap_mib=16", "spool.segment_mib=4", "spool.keep_acked_mib=0"}));
}

TEST(ConfigTest, LimitsThatNobodySetFollowTheMemory) {
  const auto half = load_config("", {"limits.memory_mib=1536", "dns.transactions_max=65536"});
  ASSERT_TRUE(half) << half.error().what;
  EXPECT_EQ(half->flow_flows_max, Config{}.flow_flows_max / 2);
  EXPECT_EQ(half->streams_bytes_max, Config{}.streams_bytes_max / 2);
  EXPECT_EQ(half->fragments_datagrams_max, Config{}.fragments_datagrams_max / 2);
  EXPECT_EQ(half->dns_transactions_max, 65'536U) << "it was set";
  const auto twice = load_config("", {"limits.memory_mib=6144"});
  ASSERT_TRUE(twice) << twice.error().what;
  EXPECT_EQ(twice->flow_flows_max, Config{}.flow_flows_max * 2);
}

TEST(ConfigTest, BoundsWhoseSumIsBeyondTheMemoryAreRefused) {
  for (const char* const setting :
       {"flow.flows_max=2000000", "streams.bytes_max=4294967296", "dns.transactions_max=2000000",
        "fragments.bytes_max=4294967296", "signing.checkpoint_events=8192",
        "limits.memory_mib=256"}) {
    const auto refused = load_config("", {setting});
    ASSERT_FALSE(refused) << setting;
    EXPECT_NE(refused.error().what.find("limits.memory_mib"), std::string::npos);
    EXPECT_NE(refused.error().what.find("flows "), std::string::npos) << refused.error().what;
  }
  EXPECT_FALSE(load_config("", {"capture.interfaces=a b c d", "capture.sockets=16"}));
  EXPECT_TRUE(load_config(
      "", {"capture.interfaces=a b c d", "capture.sockets=16", "limits.memory_mib=32768"}));
}

TEST(MemoryBudgetTest, QueuesShareWhatIsLeft) {
  const Config config;
  const MemoryBudget one{config, {.workers = 1, .fronts = 1, .rings = 1}};
  EXPECT_EQ(one.work_batches(), config.workers_batches);
  EXPECT_LE(one.bytes(), config.limits_memory_mib << 20U);
  const MemoryBudget many{config, {.workers = 8, .fronts = 4, .rings = 4}};
  EXPECT_LT(many.work_batches(), one.work_batches());
  EXPECT_GE(many.work_batches(), 4U);
  EXPECT_TRUE(many.check());
  EXPECT_LE(many.bytes(), config.limits_memory_mib << 20U);
  EXPECT_FALSE(MemoryBudget(config, {.workers = 32, .fronts = 64, .rings = 64}).check());
}

TEST(ConfigDigestTest, ChangesExactlyWithWhatDecidesEvents) {
  const auto digest = [](const std::vector<std::string>& settings,
                         const DigestInputs& inputs = {}) {
    return config_digest(*load_config("", settings), inputs);
  };
  EXPECT_EQ(digest({}),
            digest({"spool.dir=/elsewhere", "spool.segment_mib=1", "database.conninfo=host=x"}));
  EXPECT_NE(digest({}), digest({"flow.idle_tcp_s=5"}));
  EXPECT_NE(digest({}), digest({"signing.checkpoint_events=1"}));
  EXPECT_NE(digest({}), digest({"flow.tunnels=outer"}));
  EXPECT_NE(digest({}), digest({"flow.key_vlan=true"}));
  EXPECT_NE(digest({}), digest({}, {.filter = "udp", .key_id = std::nullopt, .ndpi_version = ""}));
  EXPECT_NE(digest({}), digest({}, {.filter = "", .key_id = Digest{}, .ndpi_version = ""}));
  EXPECT_NE(digest({}), digest({}, {.filter = "", .key_id = std::nullopt, .ndpi_version = "9"}));
}

}  // namespace
}  // namespace dpi
