#include "probe/export/eve.h"

#include <gmock/gmock.h>

#include <sstream>
#include <vector>

#include "probe/export/forms.h"
#include "tests/unit/export/events.h"

namespace dpi {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> records(std::string_view type, std::string_view payload) {
  EveFormat format;
  std::istringstream in(lines_of(format, type, payload));
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// The record of a type; empty when there is none.
std::string record(std::string_view type, std::string_view payload, std::string_view eve_type) {
  for (const std::string& line : records(type, payload))
    if (line.find("\"event_type\":\"" + std::string{eve_type} + '"') != std::string::npos)
      return line;
  return {};
}

std::string flow_with(const TestFlow& flow, std::string_view type) {
  return record("dpi.flow", flow.payload(), type);
}

TEST(Eve, SaysAFlowInBothDirections) {
  const TestFlow flow{
      .before_dst =
          R"("app":"TLS","app_master":"TLS","community_id":"1:dOsMo5svG1fT0YSPEnt3J/gHsak=","conn_state":"SF",)",
      .before_protocol =
          R"("end_at":"2023-11-14T22:13:20.004000005Z","end_reason":"fin","final":true,"gap_bytes_dst":5,"ip_bytes_dst":131,"ip_bytes_src":194,"packets_dst":2,"packets_src":3,)",
      .before_src = R"("record":0,)",
      .before_start = "",
      .behind = R"(,"tcp_flags_dst":18,"tcp_flags_src":27,"vlan_ids":[7,8])"};
  const auto lines = records("dpi.flow", flow.payload());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(
      lines[0],
      HasSubstr(
          R"("flow":{"age":2,"alerted":false,"bytes_toclient":131,"bytes_toserver":194,"end":"2023-11-14T22:13:20.004000+0000","pkts_toclient":2,"pkts_toserver":3,"reason":"timeout","start":"2023-11-14T22:13:18.000000+0000","state":"closed"})"));
  EXPECT_THAT(lines[0], HasSubstr(R"("tcp":{"ack":true,"fin":true,"psh":true,"state":"closed",)"
                                  R"("syn":true,"tc_gap":true,"tcp_flags":"1b",)"
                                  R"("tcp_flags_tc":"12","tcp_flags_ts":"1b"})"));
  EXPECT_THAT(lines[0], HasSubstr(R"("vlan":[7,8])"));
  EXPECT_THAT(lines[0], HasSubstr(R"("proto":"TCP")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("app_proto":"tls")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("timestamp":"2023-11-14T22:13:20.004000+0000")"));
}

TEST(Eve, NamesTheEventAndKeepsWhatItHasNoFieldFor) {
  const std::string line = flow_with({.before_dst = R"("app":"TLS",)",
                                      .before_protocol = R"("end_reason":"rst","history":"ShR",)"},
                                     "flow");
  EXPECT_THAT(
      line,
      HasSubstr(
          R"("ransomeye":{"flow":{"app":"TLS","end_reason":"rst","history":"ShR"},"instance":")" +
          std::string{test_instance} + R"(","seq":7,"sha256":")"));
}

TEST(Eve, TiesTheRecordsOfAFlowTogether) {
  const TestFlow flow{.before_dst = R"("community_id":"1:dOsMo5svG1fT0YSPEnt3J/gHsak=",)",
                      .before_protocol = R"("final":true,"http_method":"GET",)"};
  EXPECT_THAT(flow_with(flow, "flow"), HasSubstr(R"("flow_id":128552878185263,)"));
  EXPECT_THAT(flow_with(flow, "http"), HasSubstr(R"("flow_id":128552878185263,)"));
}

TEST(Eve, SaysTls) {
  const TestFlow flow{
      .before_dst =
          R"("alpn":"h2,http/1.1","cert_issuer":"CN=a%20b","cert_not_after":"2024-01-01T00:00:00.000000000Z","cert_sha256":"abcdef","cert_subject":"CN=x",)",
      .before_protocol = R"("final":true,"ja3":"00ff","ja3s":"11ee","ja4":"t13d",)",
      .before_src = R"("server_name":"a.example",)",
      .behind = R"(,"tls_version":"TLSv1.2")"};
  EXPECT_THAT(
      flow_with(flow, "tls"),
      HasSubstr(
          R"("tls":{"client_alpns":["h2","http/1.1"],"fingerprint":"ab:cd:ef","issuerdn":"CN=a b","ja3":{"hash":"00ff"},"ja3s":{"hash":"11ee"},"ja4":"t13d","notafter":"2024-01-01T00:00:00","sni":"a.example","subject":"CN=x","version":"TLS 1.2"})"));
  EXPECT_EQ(flow_with(flow, "quic"), "");
  EXPECT_THAT(flow_with(flow, "flow"), Not(HasSubstr("a.example")));
}

TEST(Eve, SaysWhatAFlowTellsOfItselfOnceWithItsLastRecord) {
  TestFlow flow{.before_protocol = R"("final":false,"http_method":"GET",)"};
  EXPECT_EQ(records("dpi.flow", flow.payload()).size(), 1U);
  flow.before_protocol = R"("final":true,"http_method":"GET",)";
  EXPECT_EQ(records("dpi.flow", flow.payload()).size(), 2U);
}

TEST(Eve, SaysQuic) {
  const TestFlow flow{.before_protocol = R"("final":true,"ja4":"q13d",)",
                      .before_src = R"("server_name":"a.example",)",
                      .behind = R"(,"tls_version":"TLSv1.3")"};
  EXPECT_THAT(flow_with(flow, "quic"), HasSubstr(R"("quic":{"ja4":"q13d","sni":"a.example"})"));
  EXPECT_EQ(flow_with(flow, "tls"), "");
}

TEST(Eve, SaysHttpWithThePortBesideTheHost) {
  const TestFlow flow{
      .before_protocol =
          R"("final":true,"http_method":"GET","http_status":404,"http_url":"/a%22b","http_user_agent":"x%20y",)",
      .before_src = R"("server_name":"www.example.com:8080",)"};
  EXPECT_THAT(
      flow_with(flow, "http"),
      HasSubstr(
          R"("http":{"hostname":"www.example.com","http_method":"GET","http_port":8080,"http_user_agent":"x y","status":404,"url":"/a\"b"})"));
}

TEST(Eve, SaysSshByVersionAndSoftware) {
  const TestFlow flow{.before_protocol = R"("final":true,"hassh":"aa",)", .behind = ""};
  const std::string payload =
      R"({"final":true,"hassh":"aa","protocol":6,"ssh_client":"SSH-2.0-client","ssh_server":"SSH-1.99-OpenSSH_9.2%20Debian"})";
  EXPECT_THAT(
      record("dpi.flow", payload, "ssh"),
      HasSubstr(
          R"("ssh":{"client":{"hassh":{"hash":"aa"},"proto_version":"2.0","software_version":"client"},"server":{"proto_version":"1.99","software_version":"OpenSSH_9.2"}})"));
  EXPECT_NE(flow_with(flow, "ssh"), "");
}

TEST(Eve, MakesAnAnomalyOfEachName) {
  const std::string payload =
      R"({"anomalies":["ip_length_zero","stream_gap","tls_record_invalid"],"protocol":6})";
  std::vector<std::string> found;
  for (const std::string& line : records("dpi.flow", payload))
    if (line.find(R"("anomaly":{)") != std::string::npos) found.push_back(line);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_THAT(found[0], HasSubstr(R"("anomaly":{"event":"ip_length_zero","type":"decode"})"));
  EXPECT_THAT(found[1], HasSubstr(R"("anomaly":{"event":"stream_gap","type":"stream"})"));
  EXPECT_THAT(found[2], HasSubstr(R"("anomaly":{"app_proto":"tls","event":"tls_record_invalid",)"
                                  R"("layer":"proto_parser","type":"applayer"})"));
}

TEST(Eve, LeavesPortsOutWhereAProtocolHasNone) {
  const std::string line =
      record("dpi.flow", R"({"dst_port":0,"icmp_code":0,"icmp_type":8,"protocol":1,"src_port":8})",
             "flow");
  EXPECT_THAT(line, Not(HasSubstr("port")));
  EXPECT_THAT(line, HasSubstr(R"("icmp_code":0,"icmp_type":8)"));
  EXPECT_THAT(line, HasSubstr(R"("proto":"ICMP")"));
  EXPECT_THAT(record("dpi.flow", R"({"protocol":2})", "flow"), HasSubstr(R"("proto":"IGMP")"));
  EXPECT_THAT(record("dpi.flow", R"({"protocol":99})", "flow"), HasSubstr(R"("proto":"099")"));
}

constexpr std::string_view exchange =
    R"({"aa":false,"community_id":"1:dOsMo5svG1fT0YSPEnt3J/gHsak=","id":5,"opcode":"QUERY","outcome":"answered","qname":"a.example","qtype":"A","query_at":"2023-11-14T22:13:20.000000000Z","questions":[{"class":"IN","name":"a.example","type":"A"}],"ra":true,"rcode":"NOERROR","rd":true,"records":[)"
    R"({"class":"IN","data":"192.0.2.1","name":"a.example","section":"answer","ttl":60,"type":"A"},)"
    R"({"class":"IN","data":"10%20mail.example","name":"a.example","section":"answer","ttl":60,"type":"MX"},)"
    R"({"class":"IN","data":"%22v=spf1%22","name":"a.example","section":"answer","ttl":60,"type":"TXT"},)"
    R"({"class":"IN","data":"1%202%205060%20t.example","name":"a.example","section":"answer","ttl":60,"type":"SRV"},)"
    R"({"class":"IN","data":"ns.example%20h.example%201%202%203%204%205","name":"example","section":"authority","ttl":9,"type":"SOA"}],)"
    R"("response_at":"2023-11-14T22:13:20.012000000Z","rtt_us":12000,"service":"dns","tc":false,"transport":"udp"})";

TEST(Eve, SaysADnsRequestWithoutWhatOnlyTheResponseSays) {
  const auto lines = records("dpi.dns", exchange);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr(R"("dns":{"id":5,"opcode":0,"queries":[{"rrname":"a.example",)"
                                  R"("rrtype":"A"}],"type":"request","version":3})"));
  EXPECT_THAT(lines[0], HasSubstr(R"("timestamp":"2023-11-14T22:13:20.000000+0000")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("proto":"UDP")"));
  EXPECT_THAT(lines[0], Not(HasSubstr("rtt_us")));
}

TEST(Eve, SaysADnsResponseWithItsRecordsListedAndGrouped) {
  const auto lines = records("dpi.dns", exchange);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(
      lines[1],
      HasSubstr(
          R"("answers":[{"rrname":"a.example","rrtype":"A","ttl":60,"rdata":"192.0.2.1"},{"rrname":"a.example","rrtype":"MX","ttl":60,"rdata":"mail.example"},{"rrname":"a.example","rrtype":"TXT","ttl":60,"rdata":"v=spf1"},{"rrname":"a.example","rrtype":"SRV","ttl":60,"srv":{"priority":1,"weight":2,"port":5060,"name":"t.example"}}])"));
  EXPECT_THAT(
      lines[1],
      HasSubstr(
          R"("authorities":[{"rrname":"example","rrtype":"SOA","ttl":9,"soa":{"mname":"ns.example","rname":"h.example","serial":1,"refresh":2,"retry":3,"expire":4,"minimum":5}}])"));
  EXPECT_THAT(
      lines[1],
      HasSubstr(
          R"("grouped":{"A":["192.0.2.1"],"MX":["mail.example"],"SRV":[{"priority":1,"weight":2,"port":5060,"name":"t.example"}],"TXT":["v=spf1"]})"));
  EXPECT_THAT(lines[1], HasSubstr(R"("qr":true,"queries":)"));
  EXPECT_THAT(lines[1], HasSubstr(R"("ra":true,"rcode":"NOERROR","rd":true,"tc":false)"));
  EXPECT_THAT(lines[1], HasSubstr(R"("ransomeye":{"dns":{"outcome":"answered","rtt_us":12000,)"));
}

TEST(Eve, SaysTheFlagsOfAQueryThatNobodyAnswered) {
  const auto lines = records(
      "dpi.dns",
      R"({"id":5,"opcode":"NOTIFY","outcome":"unanswered","query_at":"2023-11-14T22:13:20.000000000Z","rd":true})");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr(R"("dns":{"id":5,"opcode":4,"rd":true,"type":"request",)"));
  EXPECT_THAT(lines[0], HasSubstr("unanswered"));
}

TEST(Eve, KeepsDataThatIsNotWhatItsTypeSays) {
  const auto lines = records(
      "dpi.dns",
      R"({"id":1,"records":[{"data":"%5C#%202%200102","name":"%00%FF","section":"answer","ttl":1,"type":"SOA"},{"data":"1%20x%203%20t","name":"","section":"answer","ttl":1,"type":"SRV"}],"response_at":"2023-11-14T22:13:20.000000000Z"})");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0],
              HasSubstr(R"({"rrname":"\u0000\\xff","rrtype":"SOA","ttl":1,"rdata":"\\# 2 0102"})"));
  EXPECT_THAT(lines[0], HasSubstr(R"("rdata":"1 x 3 t")"));
  EXPECT_THAT(lines[0], Not(HasSubstr("grouped")));
}

TEST(Eve, SaysAHeartbeatAsStats) {
  EXPECT_THAT(
      record(
          "health.heartbeat",
          R"({"flows_active":4,"packets_decoded":20,"packets_dropped_kernel":3,"packets_offered":23,"state":"healthy","uptime_ms":2999})",
          "stats"),
      HasSubstr(
          R"("stats":{"capture":{"kernel_drops":3,"kernel_packets":23},"decoder":{"pkts":20},"flow":{"active":4},"uptime":2})"));
}

TEST(Eve, SaysAScanAsAnAnomaly) {
  const std::string line = record(
      "dpi.scan",
      R"({"first_at":"2023-11-14T22:13:20.000000000Z","flows":900,"ip_bytes":36000,"kind":"source","protocol":6,"samples":[],"src_ip":"192.0.2.10"})",
      "anomaly");
  EXPECT_THAT(line, HasSubstr(R"("anomaly":{"event":"scan_source","type":"stream"})"));
  EXPECT_THAT(line, HasSubstr(R"("src_ip":"192.0.2.10")"));
  EXPECT_THAT(line, HasSubstr(R"("flows":900)"));
}

TEST(Eve, HasNothingForTheChainsOwnEventsAndForCanaries) {
  EXPECT_TRUE(records("chain.start", R"({"reason":"replay"})").empty());
  EXPECT_TRUE(records("dpi.flow", R"({"canary":true,"final":true,"protocol":17})").empty());
  EXPECT_TRUE(records("dpi.dns", R"({"canary":true,"id":1})").empty());
}

TEST(SplitHost, FindsAPortOnlyWhereThereIsOne) {
  EXPECT_EQ(split_host("a.example").port, std::nullopt);
  EXPECT_EQ(split_host("a.example:80").port, 80);
  EXPECT_EQ(split_host("a.example:80").host, "a.example");
  EXPECT_EQ(split_host("[2001:db8::1]:443").port, 443);
  EXPECT_EQ(split_host("[2001:db8::1]:443").host, "[2001:db8::1]");
  EXPECT_EQ(split_host("2001:db8::1").host, "2001:db8::1");
  EXPECT_EQ(split_host("a:").host, "a:");
  EXPECT_EQ(split_host("a:99999").port, std::nullopt);
  EXPECT_EQ(split_host("a:8x").host, "a:8x");
  EXPECT_EQ(split_host(":").host, ":");
}

}  // namespace
}  // namespace dpi
