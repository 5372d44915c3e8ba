#include "probe/export/ecs.h"

#include <gmock/gmock.h>

#include "tests/unit/export/events.h"

namespace dpi {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string document(std::string_view type, std::string_view payload) {
  EcsFormat format;
  return lines_of(format, type, payload);
}

TEST(Ecs, SaysWhichEventItIsMadeFrom) {
  const std::string line = document("clock.step", R"({"delta_us":-7,"source":"ntp"})");
  EXPECT_TRUE(
      line.starts_with(R"({"@timestamp":"2023-11-14T22:13:20.004000005Z","ecs":{"version":")"));
  EXPECT_THAT(line, HasSubstr(R"("id":"018bcfe5-6804-87a6-9b2b-5401ea176b5a")"));
  EXPECT_THAT(line, HasSubstr(R"("sequence":7)"));
  EXPECT_THAT(line, HasSubstr(R"("observer":{"hostname":"probe 1","product":"ransomeye-dpi")"));
  EXPECT_THAT(line,
              HasSubstr(R"("ransomeye":{"clock_step":{"delta_us":-7,"source":"ntp"},"instance":")" +
                        std::string{test_instance}));
}

TEST(Ecs, SaysAFlow) {
  const TestFlow flow{
      .before_dst = R"("app":"TLS.Google","app_master":"TLS","community_id":"1:x",)",
      .before_protocol =
          R"("end_at":"2023-11-14T22:13:20.000000001Z","end_reason":"fin","final":true,"ip_bytes_dst":131,"ip_bytes_src":194,"ip_version":4,"packets_dst":2,"packets_src":3,)",
      .before_src = R"("risk_score":50,)",
      .behind = R"(,"vlan_ids":[7,8])"};
  const std::string line = document("dpi.flow", flow.payload());
  EXPECT_THAT(line, HasSubstr(R"("duration":2000000001)"));
  EXPECT_THAT(line, HasSubstr(R"("type":["connection","end"])"));
  EXPECT_THAT(
      line,
      HasSubstr(
          R"("network":{"application":"tls.google","bytes":325,"community_id":"1:x","iana_number":"6","packets":5,"protocol":"tls","transport":"tcp","type":"ipv4","vlan":{"id":"7"}})"));
  EXPECT_THAT(line, HasSubstr(R"("source":{"address":"192.0.2.10","bytes":194,"ip":"192.0.2.10",)"
                              R"("packets":3,"port":40000})"));
  EXPECT_THAT(line, HasSubstr(R"("related":{"ip":["192.0.2.10","198.51.100.20"]})"));
  EXPECT_THAT(line, HasSubstr(R"("vlan_ids":[7,8])"));
}

TEST(Ecs, SaysTlsAndItsCertificate) {
  const TestFlow flow{.before_dst = R"("cert_sha256":"abcd","cert_subject":"CN=x",)",
                      .before_protocol = R"("final":true,"ja3":"00ff","ja4":"t13d",)",
                      .before_src = R"("server_name":"a.example",)",
                      .behind = R"(,"tls_cipher":"TLS_X","tls_version":"TLSv1.2")"};
  const std::string line = document("dpi.flow", flow.payload());
  EXPECT_THAT(
      line,
      HasSubstr(
          R"("tls":{"cipher":"TLS_X","client":{"ja3":"00ff","server_name":"a.example"},"server":{"hash":{"sha256":"ABCD"},"subject":"CN=x"},"version":"1.2","version_protocol":"tls"})"));
  EXPECT_THAT(line, HasSubstr(R"("ja4":"t13d")"));  // below ransomeye: ECS has no field for it
  EXPECT_THAT(line, Not(HasSubstr(R"("url")")));
}

TEST(Ecs, SaysHttp) {
  const TestFlow flow{
      .before_protocol =
          R"("final":true,"http_method":"GET","http_status":404,"http_url":"/a%0Ab","http_user_agent":"x%20y",)",
      .before_src = R"("server_name":"www.example.com:8080",)"};
  const std::string line = document("dpi.flow", flow.payload());
  EXPECT_THAT(line,
              HasSubstr(R"("http":{"request":{"method":"GET"},"response":{"status_code":404}})"));
  EXPECT_THAT(
      line, HasSubstr(R"("url":{"domain":"www.example.com","original":"/a\u000ab","port":8080})"));
  EXPECT_THAT(line, HasSubstr(R"("user_agent":{"original":"x y"})"));
}

TEST(Ecs, SaysDnsWithAnswersAndAddresses) {
  const std::string line = document(
      "dpi.dns",
      R"({"aa":true,"id":5,"opcode":"QUERY","qname":"a.example","qtype":"A","query_at":"2023-11-14T22:13:20.000000000Z","questions":[{"class":"IN","name":"a.example","type":"A"}],"rcode":"NOERROR","rd":true,"records":[{"class":"IN","data":"b.example","name":"a.example","section":"answer","ttl":60,"type":"CNAME"},{"class":"IN","data":"192.0.2.1","name":"b.example","section":"answer","ttl":60,"type":"A"},{"class":"IN","data":"%5C#%201%2000","name":"b.example","section":"answer","ttl":60,"type":"A"}],"response_at":"2023-11-14T22:13:20.012000000Z","src_ip":"192.0.2.10"})");
  EXPECT_THAT(line, HasSubstr(R"("header_flags":["AA","RD"],"id":"5","op_code":"QUERY")"));
  EXPECT_THAT(line, HasSubstr(R"("question":{"class":"IN","name":"a.example","type":"A"})"));
  EXPECT_THAT(line, HasSubstr(R"("resolved_ip":["192.0.2.1"],"response_code":"NOERROR",)"
                              R"("type":"answer"})"));
  EXPECT_THAT(line, HasSubstr(R"("answers":[{"class":"IN","data":"b.example","name":"a.example",)"
                              R"("ttl":60,"type":"CNAME"})"));
  EXPECT_THAT(line, HasSubstr(R"("duration":12000000)"));
}

TEST(Ecs, KeepsWhatItHasNoFieldForAsItStandsInTheEvent) {
  const std::string line =
      document("dpi.flow", R"({"protocol":6,"risks":["a"],"ssh_client":"SSH-2.0-x%FF"})");
  EXPECT_THAT(line, HasSubstr(R"("flow":{"risks":["a"],"ssh_client":"SSH-2.0-x%FF"})"));
}

TEST(Ecs, HasNothingForCanaries) {
  EXPECT_EQ(document("dpi.flow", R"({"canary":true,"protocol":17})"), "");
}

}  // namespace
}  // namespace dpi
