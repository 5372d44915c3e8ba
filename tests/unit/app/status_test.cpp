#include <gtest/gtest.h>

#include <chrono>

#include "probe/app/human.h"
#include "probe/app/probe_status.h"
#include "probe/app/status_text.h"

namespace dpi {
namespace {

ProbeStatus healthy() {
  ProbeStatus p;
  p.instance = "0192f0c1-7a00-8000-8000-00000000a001";
  p.hostname = "sensor-01";
  p.state = "healthy";
  p.silent_seconds = 3;
  p.packets_per_second = 12'345;
  p.loss_percent = 0;
  p.events = 42;
  p.last_hour = {0, 1, 2, 3, 4, 5, 6, 7, std::nullopt, 7, 0, 7};
  return p;
}

ProbeStatus degraded(std::vector<ProbeReason> reasons) {
  ProbeStatus p = healthy();
  p.state = "degraded";
  p.reasons = std::move(reasons);
  return p;
}

// Characters on the screen: bytes that do not continue a UTF-8 sequence.
std::size_t columns(std::string_view line) {
  std::size_t n = 0;
  for (const char c : line) n += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return n;
}

TEST(Status, ASentencePerReasonWithItsFigureAndAdvice) {
  EXPECT_EQ(sentences(degraded({{"drops_kernel", "2.10"}})),
            (std::vector<std::string>{"the kernel dropped 2.1 % in the last minute: raise "
                                      "capture.ring_mib or add a worker"}));
  EXPECT_EQ(sentences(degraded({{"drops_kernel", ""}}))[0].substr(0, 27),
            "the kernel dropped packets ");
  EXPECT_EQ(sentences(degraded({{"from_the_future", "1"}})),
            (std::vector<std::string>{"from_the_future"}));
  EXPECT_TRUE(sentences(healthy()).empty());
}

TEST(Status, WhatIsCriticalIsSaidFirst) {
  const auto said =
      sentences(degraded({{"clock_unsynced", ""}, {"drops_kernel", ""}, {"link_down", ""}}));
  ASSERT_EQ(said.size(), 3U);
  EXPECT_TRUE(said[0].starts_with("the link of a capture interface is down")) << said[0];
  EXPECT_TRUE(said[1].starts_with("the kernel calls its clock")) << said[1];
}

TEST(Status, TheBacklogSaysWhenItEnds) {
  ProbeStatus p = degraded({{"backlog", "300"}});
  p.backlog_eta_seconds = 45;
  EXPECT_NE(sentences(p)[0].find("what arrives is 5 min old"), std::string::npos);
  EXPECT_NE(sentences(p)[0].find("(caught up in about 45 s)"), std::string::npos);
}

TEST(Status, TheWorseOfStateAndReasonsDecides) {
  EXPECT_EQ(level_of(healthy()), Level::ok);
  EXPECT_EQ(level_of(degraded({{"drops_kernel", "1"}})), Level::warning);
  EXPECT_EQ(level_of(degraded({{"drops_kernel", "1"}, {"key_revoked", ""}})), Level::critical);
  for (const char* const state : {"silent", "never_seen", "gap", "forked"}) {
    ProbeStatus p = healthy();
    p.state = state;
    EXPECT_EQ(level_of(p), Level::critical) << state;
  }
  for (const char* const state : {"stale", "restarted"}) {
    ProbeStatus p = healthy();
    p.state = state;
    EXPECT_EQ(level_of(p), Level::warning) << state;
  }
  ProbeStatus replayed = degraded({{"key_revoked", ""}});
  replayed.state = "replayed";
  EXPECT_EQ(level_of(replayed), Level::ok) << "a replay is never alarmed";
  replayed.state = "enchanted";
  EXPECT_EQ(level_of(replayed), Level::unknown);
  EXPECT_EQ(worst_level({}), Level::unknown);
}

TEST(Status, TheTableFitsEightyColumns) {
  ProbeStatus p = degraded({{"drops_kernel", "99.99"}, {"canary_lost", ""}});
  p.hostname = "a-host-with-a-very-long-name.example.org";
  p.silent_seconds = 86'399;
  p.packets_per_second = 999'949'000;
  p.loss_percent = 99.99;
  p.backlog_seconds = 7199;
  const std::vector<ProbeStatus> probes{healthy(), p};
  const std::string table = status_table(probes, {});
  std::size_t begin = 0;
  std::size_t lines = 0;
  while (begin < table.size()) {
    const std::size_t end = table.find('\n', begin);
    EXPECT_LE(columns(table.substr(begin, end - begin)), 80U) << table.substr(begin, end - begin);
    begin = end + 1;
    ++lines;
  }
  EXPECT_GE(lines, 6U);
  EXPECT_EQ(table.find('\x1b'), std::string::npos) << "no colour was asked for";
}

TEST(Status, TheTableShowsTheLastHour) {
  const std::vector<ProbeStatus> probes{healthy()};
  EXPECT_EQ(status_table(probes, {}),
            "1 probe: 1 well\n\n"
            "PROBE     HOST          STATE         LAST   PKT/S   LOSS  BEHIND  LAST HOUR\n"
            "0192f0c1  sensor-01     healthy        3 s   12.3k    0 %       -  ▁▂▃▄▅▆▇█ █▁█\n");
}

TEST(Status, ColourIsOnTheStateAlone) {
  const std::vector<ProbeStatus> probes{healthy()};
  const std::string table = status_table(probes, {.colour = true});
  EXPECT_NE(table.find("\x1b[32mhealthy   \x1b[0m"), std::string::npos) << table;
}

TEST(Status, CheckIsAPluginLineWithPerformanceData) {
  ProbeStatus bad = degraded({{"drops_kernel", "2.10"}, {"key_revoked", ""}});
  bad.hostname = "o'hare|x";
  bad.loss_percent = 2.1;
  bad.spool_percent = 12;
  bad.canary_lag_us = 900;
  const std::vector<ProbeStatus> probes{healthy(), bad};
  const std::string text = status_check(probes);
  const std::string first = text.substr(0, text.find('\n'));
  EXPECT_EQ(first.substr(0, 35), "RANSOMEYE CRITICAL - o'hare/x degra") << first;
  EXPECT_EQ(std::count(first.begin(), first.end(), '|'), 1) << first;
  EXPECT_NE(first.find("'probes'=2;;;0 'well'=1;;;0"), std::string::npos) << first;
  EXPECT_NE(first.find("'o_hare_x_loss'=2.10%;0.1;;0;100"), std::string::npos) << first;
  EXPECT_NE(first.find("'o_hare_x_spool'=12.0%;50;95;0;100"), std::string::npos) << first;
  EXPECT_NE(first.find("'sensor-01_last'=3s;30;60;0"), std::string::npos) << first;
  EXPECT_NE(first.find("'o_hare_x_canary'=900us;;;0"), std::string::npos) << first;
  EXPECT_NE(text.find("\nCRITICAL o'hare/x: it signs with a key that was revoked"),
            std::string::npos)
      << text;
}

std::vector<ProbeStatus> fleet(std::size_t size) {
  std::vector<ProbeStatus> out;
  for (std::size_t i = 0; i < size; ++i) {
    ProbeStatus p = i % 10 == 3 ? degraded({{"drops_kernel", std::to_string(i % 90)}}) : healthy();
    if (i % 100 == 7) p.state = "silent";
    p.hostname = "sensor-" + std::to_string(i);
    out.push_back(std::move(p));
  }
  return out;
}

TEST(Status, TheWorstComesFirst) {
  std::vector<ProbeStatus> probes{healthy(), degraded({{"drops_kernel", "1"}}), healthy()};
  probes[2].state = "silent";
  probes[2].hostname = "sensor-02";
  const std::string table = status_table(probes, {});
  EXPECT_TRUE(table.starts_with("3 probes: 1 critical, 1 warning, 1 well\n\n")) << table;
  EXPECT_LT(table.find("sensor-02"), table.find("degraded"));
  EXPECT_LT(table.find("degraded"), table.find("healthy"));
}

TEST(Status, WhatManyHaveIsSaidOnceWithTheWorst) {
  const std::string table = status_table(fleet(100), {});
  const std::string sentence = "raise";
  EXPECT_NE(table.find("10 probes drops_kernel: the kernel dropped 83 %"), std::string::npos)
      << table.substr(0, 600);
  EXPECT_NE(table.find("(the worst:"), std::string::npos) << table.substr(0, 600);
  EXPECT_EQ(table.find(sentence), table.rfind(sentence));
}

TEST(Status, ProblemsLeavesOutWhoIsWell) {
  const std::string table = status_table(fleet(20), {.problems = true});
  EXPECT_TRUE(table.starts_with("20 probes: 1 critical, 2 warning, 17 well\n")) << table;
  EXPECT_EQ(table.find("healthy"), std::string::npos) << table;
  EXPECT_NE(table.find("sensor-13"), std::string::npos) << table;
}

TEST(Status, TenThousandProbesTakeLessThanASecond) {
  const std::vector<ProbeStatus> probes = fleet(10'000);
  const auto began = std::chrono::steady_clock::now();
  const std::string table = status_table(probes, {});
  const std::string check = status_check(probes);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{1});
  EXPECT_GT(std::count(table.begin(), table.end(), '\n'), 10'000);
  EXPECT_LE(check.size(), 8191U);
  EXPECT_NE(check.find("'probes'=10000;;;0 'well'=8900;;;0\n"), std::string::npos)
      << check.substr(0, 300);
}

TEST(Status, CheckTellsSensorsOfOneHostApart) {
  std::vector<ProbeStatus> probes{healthy(), healthy(), healthy()};
  probes[1].instance = "11112222-7a00-8000-8000-00000000a001";
  probes[2].state = "replayed";
  probes[2].hostname = "replay";
  const std::string text = status_check(probes);
  EXPECT_NE(text.find("'sensor-01_0192f0c1_last'"), std::string::npos) << text;
  EXPECT_NE(text.find("'sensor-01_11112222_last'"), std::string::npos) << text;
  EXPECT_EQ(text.find("'replay_"), std::string::npos) << "a replay has no figure of the moment";
}

TEST(Status, CheckSaysThatAllAreWell) {
  const std::vector<ProbeStatus> probes{healthy(), healthy()};
  EXPECT_EQ(status_check(probes).substr(0, 36), "RANSOMEYE OK - 2 of 2 probes well | ");
}

TEST(Human, NumbersAreShort) {
  EXPECT_EQ(human_age(0), "0 s");
  EXPECT_EQ(human_age(119), "119 s");
  EXPECT_EQ(human_age(120), "2 min");
  EXPECT_EQ(human_age(7200), "2 h");
  EXPECT_EQ(human_age(172'800), "2 d");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(999.9), "1.0k");
  EXPECT_EQ(human_count(999'960), "1.0M");
  EXPECT_EQ(human_count(1.5e9), "1.5G");
  EXPECT_EQ(human_percent(0), "0 %");
  EXPECT_EQ(human_percent(0.01), "0.01 %");
  EXPECT_EQ(human_percent(2.1), "2.1 %");
  EXPECT_EQ(human_percent(37.4), "37 %");
}

}  // namespace
}  // namespace dpi
