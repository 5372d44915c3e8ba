#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "probe/app/config.h"
#include "probe/app/enrol_request.h"
#include "probe/app/payload_members.h"
#include "probe/app/replay_summary.h"
#include "probe/app/setup_plan.h"
#include "probe/app/suggest.h"
#include "probe/crypto/digest.h"
#include "probe/crypto/signing_key.h"
#include "probe/envelope/canonical.h"

namespace dpi {
namespace {

using testing::HasSubstr;

TEST(Suggestion, FindsWhatWasMeant) {
  const std::vector<std::string> words{"--filter", "--workers", "--out"};
  EXPECT_EQ(nearest("--fitler", words), "--filter");   // exchanged
  EXPECT_EQ(nearest("--worker", words), "--workers");  // left out
  EXPECT_EQ(nearest("--outt", words), "--out");        // added
  EXPECT_EQ(nearest("--frobnicate", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(suggestion("--fitler", words), "; did you mean --filter?");
}

TEST(ConfigSuggestion, NamesTheKeyThatWasMeant) {
  const auto of = [](const std::string& setting) {
    return load_config("", {setting}).error().what;
  };
  EXPECT_THAT(of("flow.idle_tpc_s=3"), HasSubstr("did you mean flow.idle_tcp_s?"));
  EXPECT_THAT(of("flows.active_s=3"), HasSubstr("did you mean flow?"));
  EXPECT_THAT(of("flow.interfaces=eth0"), HasSubstr("did you mean capture.interfaces?"));
}

TEST(ConfigValues, WhatRunWouldRefuseIsRefusedWithItsPlace) {
  const auto of = [](const std::string& setting) {
    const auto config = load_config("", {setting});
    return config ? std::string{"valid"} : config.error().what;
  };
  EXPECT_THAT(of("probe.instance=not-a-uuid"), HasSubstr("probe.instance must be a UUID"));
  EXPECT_THAT(of("capture.filter=garbage ((("), HasSubstr("capture.filter must be"));
  EXPECT_THAT(of("service.metrics=not an address"), HasSubstr("service.metrics must be"));
  EXPECT_THAT(of("workers.cpus=two"), HasSubstr("workers.cpus must be"));
  EXPECT_THAT(of("database.conninfo=host=x sekret=S3cret"), HasSubstr("database.conninfo must be"));
  EXPECT_EQ(of("database.conninfo=host=x sekret=S3cret").find("S3cret"), std::string::npos);
  EXPECT_EQ(of("service.metrics=/run/x.sock"), "valid");
  EXPECT_EQ(of("service.metrics=[::1]:9477"), "valid");
  EXPECT_EQ(of("probe.instance="), "valid");
}

TEST(PayloadMembers, AreThoseThatTheDatabaseTakes) {
  const auto flow = payload_members("flow");
  for (const char* const name : {"app", "vlan_ids", "splt", "hassh_server", "canary", "anomalies"})
    EXPECT_TRUE(flow.contains(name)) << name;
  EXPECT_FALSE(flow.contains("seq"));
  EXPECT_TRUE(payload_members("dns").contains("query_edns"));
  EXPECT_TRUE(payload_members("heartbeat").contains("packets_offered"));
  EXPECT_TRUE(payload_members("nothing").empty());
}

TEST(EnrolRequest, ComesBackAsItWas) {
  const SigningKey key = SigningKey::from_seed(sha256({as_bytes("seed")}));
  const EnrolRequest asked{.machine = {machine_id_of("m"), "sensor%2001"},
                           .spki = key.public_key().spki(),
                           .role = "probe1",
                           .tenant = ""};
  const std::string text = enrol_request_text(asked);
  const auto read = parse_enrol_request(text);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->machine.id, asked.machine.id);
  EXPECT_EQ(read->machine.hostname, asked.machine.hostname);
  EXPECT_EQ(read->spki, asked.spki);
  EXPECT_EQ(read->role, "probe1");
}

TEST(EnrolRequest, IsRefusedWhenItsPartsDisagree) {
  const SigningKey key = SigningKey::from_seed(sha256({as_bytes("seed")}));
  std::string text = enrol_request_text({.machine = {machine_id_of("m"), "h"},
                                         .spki = key.public_key().spki(),
                                         .role = "",
                                         .tenant = ""});
  const std::size_t at = text.find("\"key_id\":\"") + 10;
  text[at] = text[at] == '0' ? '1' : '0';
  EXPECT_FALSE(parse_enrol_request(text));
  EXPECT_FALSE(parse_enrol_request("{}"));
  EXPECT_FALSE(parse_enrol_request(""));
}

TEST(SetupPlan, ProbesConnectionHasNeitherPasswordNorSuperuser) {
  const SetupOptions options{.name = "mirror",
                             .interfaces = {"eth1", "eth2"},
                             .conninfo = "host=/run/pg dbname=dpi user=postgres password=S3cret"};
  const std::string config = setup_config(options, "6e7c9c7e-0000-4000-8000-000000000000");
  EXPECT_THAT(config, HasSubstr("conninfo = \"dbname=dpi host=/run/pg user=ransomeye-dpi\""));
  EXPECT_THAT(config, HasSubstr("interfaces = \"eth1 eth2\""));
  EXPECT_EQ(config.find("S3cret"), std::string::npos);
  EXPECT_EQ(*setup_database(options.conninfo), "dpi");
  EXPECT_EQ(*setup_database("host=x"), "ransomeye");
}

TEST(SetupPlan, NamesThatCouldBeMoreThanNamesAreRefused) {
  SetupOptions options{.name = "mirror", .interfaces = {"eth1"}, .conninfo = ""};
  EXPECT_TRUE(check_setup_names(options));
  for (const char* const bad : {"", "../x", "a b", "-x", "a'b", ".x"}) {
    options.name = bad;
    EXPECT_FALSE(check_setup_names(options)) << bad;
  }
  options.name = "mirror";
  options.role = "x'; drop table y; --";
  EXPECT_FALSE(check_setup_names(options));
}

TEST(ReplaySummary, SaysWhatWasFoundInEightyColumns) {
  ReplaySummary summary;
  summary.event("dpi.flow",
                R"({"app":"TLS","end_at":"2026-11-30T10:05:00.000000000Z","risks":["weak_cipher"],)"
                R"("server_name":"www.example.org","start_at":"2026-11-30T10:00:00.000000000Z"})");
  summary.event("dpi.flow", R"({"app":"DNS","end_at":"2026-11-30T10:01:00.000000000Z","risks":[],)"
                            R"("start_at":"2026-11-30T09:59:59.000000000Z"})");
  summary.event("dpi.dns", R"({"outcome":"answered","qname":"www.example.org"})");
  summary.event("health.heartbeat",
                R"({"anomalies":[{"count":3,"name":"frame_cut"}],"packets_decoded":9,)"
                R"("packets_dropped_kernel":4,"packets_filtered":0,"packets_not_ip":1,)"
                R"("packets_offered":10})");
  EXPECT_EQ(
      summary.text({.instance = {}, .key_id = {}, .captures = 2, .outputs = {"jsonl:run.jsonl"}}),
      "captures   2, 10 packets (9 decoded, 1 not IP, 0 filtered)\n"
      "from, to   2026-11-30T09:59:59Z, 2026-11-30T10:05:00Z\n"
      "flows      2\n"
      "  apps     DNS 1, TLS 1\n"
      "  names    www.example.org 1\n"
      "  risks    weak_cipher 1\n"
      "DNS        1: answered 1\n"
      "  names    www.example.org 1\n"
      "anomalies  frame_cut 3\n"
      "lost       4 dropped by the capturing kernel\n"
      "chain      00000000-0000-0000-0000-000000000000\n"
      "key        " +
          std::string(64, '0') +
          "\n"
          "next       ransomeye-dpi verify run.jsonl\n");
}

TEST(ReplaySummary, KeepsBounded) {
  WordCounts counts(2);
  for (const char* const word : {"a", "b", "c", "d", "a"}) counts.add(word);
  EXPECT_EQ(counts.text(80), "a 2, others 2, b 1");
}

}  // namespace
}  // namespace dpi
