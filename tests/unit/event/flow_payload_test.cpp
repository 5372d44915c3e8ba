#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probe/envelope/canonical.h"
#include "probe/envelope/envelope.h"
#include "probe/event/payloads.h"

namespace dpi {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Flow some_flow() {
  Flow flow;
  flow.key.protocol = ip_protocol::tcp;
  flow.key.low.port = 40000;
  flow.key.high.port = 443;
  flow.initiator = Side::low;
  return flow;
}

std::string payload_of(const Flow& flow, const AppMetadata* metadata) {
  const Verdict verdict{
      .master = "TLS", .app = "TLS", .category = "Web", .confidence = "DPI", .risks = {}};
  std::string out;
  append_flow_payload(out, flow, EndReason::fin, true, verdict, metadata);
  EXPECT_TRUE(is_canonical_json(out)) << out;
  EXPECT_LE(out.size(), payload_bytes_max);
  return out;
}

AppMetadata everything(std::size_t text_bytes, char c) {
  const std::string text(text_bytes, c);
  AppMetadata m;
  for (std::string* member :
       {&m.server_name, &m.alpn_offered, &m.alpn_chosen, &m.certificate_subject,
        &m.certificate_issuer, &m.http_method, &m.http_url, &m.http_user_agent, &m.ssh[0].banner,
        &m.ssh[1].banner}) {
    *member = text;
  }
  for (std::string* member : {&m.ja3, &m.ja3s, &m.ja4, &m.ssh[0].hassh, &m.ssh[1].hassh_server})
    *member = std::string(32, 'a');
  m.tls_version = "TLSv1.3";
  m.tls_cipher = "TLS_AES_128_GCM_SHA256";
  m.certificate_sha256 = Digest{1};
  m.certificate_not_before = timestamp(0);
  m.certificate_not_after = timestamp(1);
  m.http_status = 200;
  return m;
}

TEST(FlowPayloadTest, EveryMemberIsWrittenInOrder) {
  const AppMetadata m = everything(5, 'x');
  const std::string out = payload_of(some_flow(), &m);
  for (const std::string_view member : {"alpn",
                                        "cert_issuer",
                                        "cert_not_after",
                                        "cert_not_before",
                                        "cert_sha256",
                                        "cert_subject",
                                        "hassh",
                                        "hassh_server",
                                        "http_method",
                                        "http_status",
                                        "http_url",
                                        "http_user_agent",
                                        "ja3",
                                        "ja3s",
                                        "ja4",
                                        "server_name",
                                        "ssh_client",
                                        "ssh_server",
                                        "tls_cipher",
                                        "tls_version"}) {
    EXPECT_THAT(out, HasSubstr("\"" + std::string{member} + "\":"));
  }
  EXPECT_THAT(out, Not(HasSubstr("_truncated")));
}

TEST(FlowPayloadTest, NothingIsWrittenOfWhatWasNotSeen) {
  const std::string out = payload_of(some_flow(), nullptr);
  const AppMetadata empty;
  EXPECT_EQ(out, payload_of(some_flow(), &empty));
  for (const std::string_view part : {"tls_", "cert_", "http_", "ssh_", "ja3", "splt"})
    EXPECT_THAT(out, Not(HasSubstr(part)));
}

// Bytes that pct-text triples, at every member's limit and far beyond.
TEST(FlowPayloadTest, LongMembersAreCutAndSaySo) {
  const AppMetadata m = everything(5000, '\xff');
  const std::string out = payload_of(some_flow(), &m);
  for (const std::string_view member :
       {"alpn", "cert_issuer", "cert_subject", "http_method", "http_url", "http_user_agent",
        "server_name", "ssh_client", "ssh_server"}) {
    EXPECT_THAT(out, HasSubstr("\"" + std::string{member} + "_truncated\":true"));
  }
}

TEST(FlowPayloadTest, WhatWasKeptTellsThatSomethingWasCut) {
  AppMetadata m;
  const ByteBuffer url(3000, 'u');
  keep_text(m.http_url, url, metadata_limit::http_url);
  EXPECT_THAT(payload_of(some_flow(), &m), HasSubstr("\"http_url_truncated\":true"));
  keep_text(m.http_url, Bytes{url}.first(metadata_limit::http_url), metadata_limit::http_url);
  EXPECT_THAT(payload_of(some_flow(), &m), Not(HasSubstr("_truncated")));
}

TEST(FlowPayloadTest, WhoTheClientIsDecidesWhichSshReadingCounts) {
  AppMetadata m;
  m.ssh[0] = {"SSH-2.0-low", "low-c", "low-s"};
  m.ssh[1] = {"SSH-2.0-high", "high-c", "high-s"};
  Flow flow = some_flow();
  flow.initiator = Side::high;
  const std::string out = payload_of(flow, &m);
  EXPECT_THAT(out, HasSubstr(R"("hassh":"high-c","hassh_server":"low-s")"));
  EXPECT_THAT(out, HasSubstr(R"("ssh_client":"SSH-2.0-high","ssh_server":"SSH-2.0-low")"));
}

TEST(FlowPayloadTest, SpltIsSignedByTheInitiatorAndEachPacketIsToldOnce) {
  Flow flow = some_flow();
  flow.initiator = Side::high;
  const auto note = [&](std::uint32_t bytes, Side sender, std::int64_t us) {
    flow.splt.note(bytes, sender, timestamp(us * 1000), Splt::packets_max);
  };
  note(0, Side::high, 5);  // without payload: not in the list
  note(100, Side::high, 10);
  note(1448, Side::low, 260);
  EXPECT_THAT(payload_of(flow, nullptr),
              HasSubstr(R"("splt":[{"bytes":100,"gap_us":0},{"bytes":-1448,"gap_us":250}])"));
  flow.splt.start_record();
  EXPECT_THAT(payload_of(flow, nullptr), Not(HasSubstr("splt")));
  note(7, Side::high, 300);
  EXPECT_THAT(payload_of(flow, nullptr), HasSubstr(R"("splt":[{"bytes":7,"gap_us":40}])"));
  flow.splt.start_record();
  note(7, Side::low, 290);  // captured by another front before the last one
  note(7, Side::low, 310);
  EXPECT_THAT(payload_of(flow, nullptr),
              HasSubstr(R"("splt":[{"bytes":-7,"gap_us":0},{"bytes":-7,"gap_us":10}])"));
  flow.splt.start_record();
  for (int i = 0; i < 40; ++i) note(1, Side::low, 400 + i);
  EXPECT_EQ(flow.splt.packets().size(), Splt::packets_max - 5);
}

}  // namespace
}  // namespace dpi
