#include "probe/event/diagnosis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "probe/event/reason.h"

namespace dpi {
namespace {

// A minute of a probe that is well.
HeartbeatFacts well() {
  HeartbeatFacts f;
  f.at = timestamp(1'000'000'000'000);
  f.uptime_ms = 600'000;
  f.packets_offered = f.packets_decoded = 1'000'000;
  f.flow_records = 1000;
  f.inference.tcp_acks = 100'000;
  f.inference.acked_bytes = 100'000'000;
  f.inference.tcp_flows = 1000;
  f.inference.checksum_bad = 0;
  f.clock_synced = true;
  f.clock_offset_us = 0;
  f.queues = QueueFacts{0, 64, 0, 64};
  f.commit = CommitFacts{};
  f.spool = SpoolFacts{0, 1000, 0, 0, 0};
  f.database = DatabaseFacts{true, 0, std::nullopt, 0, 0};
  f.worker_restarts = 0;
  f.canary = CanaryFacts{1, 900, 800, ""};
  InterfaceFacts eth;
  eth.name = "eth1";
  eth.kind = "af_packet";
  eth.link_up = true;
  eth.packets = 1'000'000;
  eth.last_packet_at = f.at;
  f.interfaces = {eth};
  return f;
}

std::vector<std::string_view> found(const std::function<void(HeartbeatFacts&)>& change) {
  HeartbeatFacts f = well();
  change(f);
  return diagnose({}, f);
}

using List = std::vector<std::string_view>;

// change(f, n): n is at the threshold (nothing yet) or one over it (the reason, alone).
void expect_beyond(std::string_view reason, std::uint64_t at,
                   const std::function<void(HeartbeatFacts&, std::uint64_t)>& change) {
  EXPECT_EQ(found([&](HeartbeatFacts& f) { change(f, at); }), List{}) << reason << " at " << at;
  EXPECT_EQ(found([&](HeartbeatFacts& f) { change(f, at + 1); }), List{reason})
      << reason << " beyond " << at;
}

// Dropped packets are offered and not decoded.
auto dropped(std::uint64_t HeartbeatFacts::*counter) {
  return [counter](HeartbeatFacts& f, std::uint64_t n) {
    f.*counter = n;
    f.packets_decoded -= n;
  };
}

TEST(Diagnosis, NothingIsWrongWithAProbeThatIsWell) {
  EXPECT_EQ(diagnose({}, well()), List{});
  EXPECT_EQ(diagnose(well(), well()), List{});
  EXPECT_EQ(diagnose({}, {}), List{}) << "facts that are absent prove nothing";
}

TEST(Diagnosis, AScanThatWasToldTogether) {
  expect_beyond("scan_aggregated", 0, [](HeartbeatFacts& f, std::uint64_t n) {
    f.events = {{"dpi.scan", n, 0}};
  });
}

TEST(Diagnosis, DropsBeyondOnePerMille) {
  expect_beyond("drops_kernel", 1000, dropped(&HeartbeatFacts::packets_dropped_kernel));
  expect_beyond("drops_nic", 1000, dropped(&HeartbeatFacts::packets_dropped_nic));
  expect_beyond("no_buffer", 1000, dropped(&HeartbeatFacts::packets_dropped_no_buffer));
  expect_beyond("packets_shed", 1000, dropped(&HeartbeatFacts::packets_shed));
}

TEST(Diagnosis, OldDropsAreForgotten) {
  HeartbeatFacts f = well();
  dropped (&HeartbeatFacts::packets_dropped_kernel)(f, 500'000);
  EXPECT_EQ(diagnose({}, f), List{"drops_kernel"});
  EXPECT_EQ(diagnose(f, f), List{});
}

TEST(Diagnosis, MirrorLossBeyondOnePercentOfAcksOrBytes) {
  expect_beyond("mirror_loss", 1000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.inference.gap_events = n; });
  expect_beyond("mirror_loss", 1'000'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.inference.gap_bytes = n; });
}

TEST(Diagnosis, TooFewAcksAndFlowsProveNothing) {
  const auto acks = [](std::uint64_t n) {
    return found([n](HeartbeatFacts& f) {
      f.inference.tcp_acks = f.inference.gap_events = n;
      f.inference.acked_bytes = f.inference.gap_bytes = 0;
    });
  };
  EXPECT_EQ(acks(threshold::tcp_acks_min - 1), List{});
  EXPECT_EQ(acks(threshold::tcp_acks_min), List{"mirror_loss"});
  const auto bytes = [](std::uint64_t n) {
    return found([n](HeartbeatFacts& f) { f.inference.acked_bytes = f.inference.gap_bytes = n; });
  };
  EXPECT_EQ(bytes(threshold::acked_bytes_min - 1), List{});
  EXPECT_EQ(bytes(threshold::acked_bytes_min), List{"mirror_loss"});
  const auto flows = [](std::uint64_t n) {
    return found([n](HeartbeatFacts& f) { f.inference.tcp_flows = f.inference.one_way_flows = n; });
  };
  EXPECT_EQ(flows(threshold::tcp_flows_min - 1), List{});
  EXPECT_EQ(flows(threshold::tcp_flows_min), List{"one_way_mirror"});
  const auto vlans = [](std::uint64_t n) {
    return found([n](HeartbeatFacts& f) { f.flow_records = f.inference.vlan_one_sided_flows = n; });
  };
  EXPECT_EQ(vlans(threshold::flows_min - 1), List{});
  EXPECT_EQ(vlans(threshold::flows_min), List{"one_sided_vlan"});
  const auto packets = [](std::uint64_t n) {
    return found([n](HeartbeatFacts& f) {
      f.packets_offered = f.packets_decoded = f.packets_duplicate = n;
      f.inference.truncated_datagrams = f.inference.out_of_order = n;
      f.inference.checksum_bad = f.interfaces[0].packets = f.interfaces[0].coalesced = n;
    });
  };
  EXPECT_EQ(packets(threshold::packets_min - 1), List{});
  EXPECT_EQ(packets(threshold::packets_min).size(), 5U);
}

TEST(Diagnosis, OneWayMirrorBeyondHalfOfTheTcpFlows) {
  expect_beyond("one_way_mirror", 500,
                [](HeartbeatFacts& f, std::uint64_t n) { f.inference.one_way_flows = n; });
}

TEST(Diagnosis, WhatTheTrafficSaysOfTheMirror) {
  expect_beyond("one_sided_vlan", 100,
                [](HeartbeatFacts& f, std::uint64_t n) { f.inference.vlan_one_sided_flows = n; });
  expect_beyond("duplicate_mirror", 100'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.packets_duplicate = n; });
  expect_beyond("truncated_mirror", 10'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.inference.truncated_datagrams = n; });
  expect_beyond("reordered_mirror", 50'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.inference.out_of_order = n; });
  expect_beyond("bad_checksums", 10'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.inference.checksum_bad = n; });
  expect_beyond("offloaded_frames", 10'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.interfaces[0].coalesced = n; });
}

TEST(Diagnosis, MachineThresholds) {
  expect_beyond("clock_offset", 100'000, [](HeartbeatFacts& f, std::uint64_t n) {
    f.clock_offset_us = static_cast<std::int64_t>(n);
  });
  expect_beyond("clock_offset", 100'000, [](HeartbeatFacts& f, std::uint64_t n) {
    f.clock_offset_us = -static_cast<std::int64_t>(n);
  });
  expect_beyond("clock_stepped", 0, [](HeartbeatFacts& f, std::uint64_t n) { f.clock_steps = n; });
  expect_beyond("worker_restarted", 0,
                [](HeartbeatFacts& f, std::uint64_t n) { f.worker_restarts = n; });
  expect_beyond("unsigned_tail", 60'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.unsigned_ms = n; });
  expect_beyond("workers_behind", 48,
                [](HeartbeatFacts& f, std::uint64_t n) { f.queues->work_batches_waiting_max = n; });
  expect_beyond("workers_behind", 48,
                [](HeartbeatFacts& f, std::uint64_t n) { f.queues->fact_batches_waiting_max = n; });
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.clock_synced = false; }), List{"clock_unsynced"});
}

TEST(Diagnosis, OutputThresholds) {
  expect_beyond("spool_filling", 500,
                [](HeartbeatFacts& f, std::uint64_t n) { f.spool->bytes = n; });
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.spool->bytes = 950; }), List{"spool_filling"});
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.spool->bytes = 951; }), List{"spool_full"});
  expect_beyond("disk_error", 0,
                [](HeartbeatFacts& f, std::uint64_t n) { f.commit->commit_errors = n; });
  expect_beyond("database_behind", 30'000,
                [](HeartbeatFacts& f, std::uint64_t n) { f.spool->oldest_unacked_ms = n; });
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.database->connected = false; }), List{"database_away"});
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.canary->stage = "seal"; }), List{"canary_lost"});
  EXPECT_EQ(found([](HeartbeatFacts& f) {
              f.canary->stage = "commit";
              f.database->connected = false;
            }),
            List{"database_away"});
}

TEST(Diagnosis, Interfaces) {
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.interfaces[0].link_up = false; }), List{"link_down"});
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.interfaces[0].ring_freezes = 1; }),
            List{"frozen_socket"});
  // An interface that was removed and is back: link_down said so, and its sockets are new ones.
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.interfaces[0].reopened = 1; }), List{});
  const auto silent_for = [](std::int64_t ms) {
    return found([ms](HeartbeatFacts& f) {
      f.interfaces[0].last_packet_at = f.at - std::chrono::milliseconds{ms};
    });
  };
  EXPECT_EQ(silent_for(59'999), List{});
  EXPECT_EQ(silent_for(60'000), List{"no_traffic"});
  const auto never_for = [](std::uint64_t ms) {
    return found([ms](HeartbeatFacts& f) {
      f.uptime_ms = ms;
      f.interfaces[0].packets = 0;
      f.interfaces[0].last_packet_at.reset();
    });
  };
  EXPECT_EQ(never_for(59'999), List{});
  EXPECT_EQ(never_for(60'000), List{"no_traffic"});
}

TEST(Diagnosis, AnInterfaceThatDropsAndDeliversNothingIsStuck) {
  HeartbeatFacts f = well();
  f.interfaces[0].dropped_kernel = 1;
  EXPECT_EQ(diagnose(well(), f), List{"capture_stuck"});
  f.interfaces[0].packets += 1;
  EXPECT_EQ(diagnose(well(), f), List{});
}

TEST(Diagnosis, AnOpenLedgerIsNamed) {
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.packets_offered += 1; }), List{"ledger_open"});
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.events_produced += 1; }), List{"ledger_open"});
  EXPECT_EQ(found([](HeartbeatFacts& f) { f.events_produced = f.events_shed = 1; }), List{});
}

std::string read(const std::string& name) {
  std::ifstream file(name);  // tests run in the root of the tree
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Every snake_case word of text between before and after.
std::vector<std::string> words(const std::string& text, std::string_view before,
                               std::string_view after) {
  std::vector<std::string> out;
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
    if (end == std::string::npos || end == at ||
        !std::string_view{text}.substr(end).starts_with(after))
      continue;
    out.push_back(text.substr(at, end - at));
  }
  return out;
}

TEST(Reasons, EveryReasonOfTheDatabaseIsOfTheList) {
  const std::string sql = read("schemas/06_indexes.sql");
  const std::size_t begin = sql.find("create function re_view.probe_status_at");
  const std::size_t end = sql.find("comment on function re_view.probe_status_at");
  ASSERT_NE(end, std::string::npos);
  const auto names = words(sql.substr(begin, end - begin), " ('", "', ");
  EXPECT_GT(names.size(), 25U);
  for (const std::string& name : names) {
    EXPECT_TRUE(find_reason(name) != nullptr || name == "revoked") << name;  // a key's status
  }
}

TEST(Reasons, EveryReasonOfADiagnosisIsOfTheList) {
  const auto names = words(read("probe/event/diagnosis.cpp"), "\"", "\");");
  EXPECT_GT(names.size(), 20U);
  for (const std::string& name : names) EXPECT_NE(find_reason(name), nullptr) << name;
}

TEST(Reasons, TheDocumentListsThemInTheSameWords) {
  const std::string text = read("docs/operations.md");
  for (const Reason& r : reasons()) {
    EXPECT_NE(text.find("| " + std::string{r.name} + " |"), std::string::npos) << r.name;
    EXPECT_NE(text.find(r.advice), std::string::npos) << r.name;
  }
}

TEST(Reasons, AreFoundByName) {
  for (const Reason& r : reasons()) EXPECT_EQ(find_reason(r.name), &r);
  EXPECT_EQ(find_reason("bored"), nullptr);
  EXPECT_EQ(find_reason(""), nullptr);
  EXPECT_EQ(find_reason("zzz"), nullptr);
}

}  // namespace
}  // namespace dpi
