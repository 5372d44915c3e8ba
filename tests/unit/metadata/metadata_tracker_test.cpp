#include "probe/metadata/metadata_tracker.h"

#include <gtest/gtest.h>

#include <random>

#include "probe/crypto/digest.h"
#include "tests/support/dtls.h"
#include "tests/support/gquic.h"
#include "tests/support/quic.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

constexpr std::uint32_t client_start = 0xfffffff0U;  // wraps early
constexpr std::uint32_t server_start = 5000;
constexpr std::string_view request =
    "POST /form?a=1 HTTP/1.1\r\nhOST:  www.example.com:8080 \r\nUser-Agent: agent/1 (x; y)\r\n"
    "Host: second\r\n\r\nbody";
constexpr std::string_view response =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nServer: s\r\n\r\n";
constexpr unsigned tls12_cipher = 0xc02f;

const ByteBuffer der_bytes = text("no DER, but a certificate's place");
const ByteBuffer tls_client =
    record(22, handshake(1, browser_hello_body())) + record(20, {1}) + record(23, zeros(50));
const ByteBuffer tls12_server =
    record(22, handshake(2, server_hello_body(tls12_cipher, alpn_extension({"h2"}))) +
                   handshake(11, certificate_body(der_bytes)) + handshake(14, {}));
const ByteBuffer ssh_client = text("SSH-2.0-OpenSSH_9.2 Debian\r\n") + kexinit_packet();
const ByteBuffer ssh_server = text("SSH-2.0-dropbear\r\n") + kexinit_packet();

class MetadataTrackerTest : public ::testing::Test {
 protected:
  MetadataTrackerTest() { flow_.key.protocol = ip_protocol::tcp; }
  AnomalySet see(Side sender, std::uint32_t seq, Bytes payload, std::uint8_t flags = tcp_flag::ack,
                 std::uint32_t ack = 0) {
    PacketView view;
    view.protocol = flow_.key.protocol;
    view.has_transport = true;
    if (ack == 0) ack = flow_.tcp.side(other(sender)).next_sequence;  // all that was seen
    view.tcp = {.sequence = seq, .acknowledgement = ack, .flags = flags};
    view.payload = payload;
    view.payload_bytes = static_cast<std::uint32_t>(payload.size());
    if (flow_.key.protocol == ip_protocol::tcp) flow_.tcp.observe(view, sender, {});
    const AnomalySet found = tracker_.observe(flow_, sender, view);
    found_ |= found;
    return found;
  }
  void handshake_packets() {
    see(Side::low, client_start - 1, {}, tcp_flag::syn);
    see(Side::high, server_start - 1, {}, tcp_flag::syn | tcp_flag::ack, client_start);
  }
  void in_segments(Side sender, std::uint32_t start, const ByteBuffer& bytes, std::size_t size) {
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      see(sender, start + static_cast<std::uint32_t>(at),
          Bytes{bytes}.subspan(at, std::min(size, bytes.size() - at)));
    }
  }
  const AppMetadata& told() {
    static const AppMetadata none;
    const AppMetadata* m = tracker_.find(flow_);
    return m != nullptr ? *m : none;
  }
  void new_flow() {
    tracker_.flow_ended(flow_);
    const std::uint8_t protocol = flow_.key.protocol;
    flow_ = Flow{};
    flow_.key.protocol = protocol;
    EXPECT_EQ(memory_.used(), 0U);
  }

  StreamMemory memory_{1U << 20U};
  MetadataTracker tracker_{{}, memory_};
  Flow flow_;
  AnomalySet found_;
};

void expect_tls12(const AppMetadata& m) {
  EXPECT_EQ(m.server_name, "example.com");
  EXPECT_EQ(m.ja4, browser_ja4);
  EXPECT_EQ(m.ja3.size(), 32U);
  EXPECT_EQ(m.tls_version, "TLSv1.2");
  EXPECT_EQ(m.tls_cipher, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(m.alpn_chosen, "h2");
  EXPECT_EQ(m.certificate_sha256, sha256({der_bytes}));
}

void expect_http(const AppMetadata& m) {
  EXPECT_EQ(m.http_method, "POST");
  EXPECT_EQ(m.http_url, "/form?a=1");
  EXPECT_EQ(m.server_name, "www.example.com:8080");
  EXPECT_EQ(m.http_user_agent, "agent/1 (x; y)");
  EXPECT_EQ(m.http_status, 404);
}

// Found by fuzzing: a control character behind the first segment, and two preambles in one segment.
TEST_F(MetadataTrackerTest, HowDoubtfulHeadsAreCutMakesNoDifference) {
  for (const std::size_t size : {1U, 7U, 5000U}) {
    handshake_packets();
    in_segments(Side::low, client_start, text("PRI * HT") + zeros(3) + text(" HTTP/1.0\n\n"), size);
    EXPECT_EQ(told(), AppMetadata{}) << size;
    new_flow();
    handshake_packets();
    in_segments(Side::low, client_start, text("PROXY UNKNOWN\r\n\r\nGET /a HTTP/1.0\r\n\r\n"),
                size);
    EXPECT_EQ(told().http_url, "/a") << size;
    new_flow();
  }
}

TEST_F(MetadataTrackerTest, HowBytesAreCutIntoSegmentsMakesNoDifference) {
  for (const std::size_t size : {1U, 2U, 3U, 5U, 7U, 16U, 100U, 5000U}) {
    handshake_packets();
    in_segments(Side::low, client_start, tls_client, size);
    in_segments(Side::high, server_start, tls12_server, size);
    expect_tls12(told());
    new_flow();
    handshake_packets();
    in_segments(Side::low, client_start, text(request), size);
    in_segments(Side::high, server_start, text(response), size);
    expect_http(told());
    new_flow();
    handshake_packets();
    in_segments(Side::low, client_start, ssh_client, size);
    in_segments(Side::high, server_start, ssh_server, size);
    EXPECT_EQ(told().ssh[0].banner, "SSH-2.0-OpenSSH_9.2 Debian");
    EXPECT_EQ(told().ssh[1].banner, "SSH-2.0-dropbear");
    EXPECT_EQ(told().ssh[0].hassh, hex(md5(as_bytes("kex1,kex2;enc-cs;mac-cs;none"))));
    EXPECT_EQ(told().ssh[1].hassh_server, hex(md5(as_bytes("kex1,kex2;enc-sc;mac-sc;zlib"))));
    new_flow();
  }
  EXPECT_EQ(found_.count(), 1U);
  EXPECT_TRUE(has(found_, Anomaly::tls_certificate_invalid)) << "the certificate is none";
}

TEST_F(MetadataTrackerTest, SegmentsMayComeInAnyOrderAndTwice) {
  std::mt19937 random(9);  // NOLINT: repeatable
  for (int round = 0; round < 100; ++round) {
    handshake_packets();
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < tls12_server.size(); at += 20) starts.push_back(at);
    starts.push_back(0);
    std::shuffle(starts.begin(), starts.end(), random);
    for (const std::size_t at : starts) {
      see(Side::high, server_start + static_cast<std::uint32_t>(at),
          Bytes{tls12_server}.subspan(at, std::min<std::size_t>(20, tls12_server.size() - at)));
    }
    EXPECT_EQ(told().certificate_sha256, sha256({der_bytes}));
    new_flow();
  }
}

TEST_F(MetadataTrackerTest, ASynAckBeforeItsSynTellsBothStarts) {
  see(Side::high, server_start - 1, {}, tcp_flag::syn | tcp_flag::ack, client_start);
  see(Side::low, client_start + 30, Bytes{tls_client}.subspan(30));
  see(Side::low, client_start - 1, {}, tcp_flag::syn);
  see(Side::low, client_start, Bytes{tls_client}.first(30));
  EXPECT_EQ(told().server_name, "example.com");
}

TEST_F(MetadataTrackerTest, EachDirectionAloneTellsItsPart) {
  in_segments(Side::high, server_start, tls12_server, 30);
  EXPECT_EQ(told().tls_version, "TLSv1.2");
  EXPECT_EQ(told().certificate_sha256, sha256({der_bytes}));
  EXPECT_EQ(told().server_name, "");
  new_flow();
  in_segments(Side::high, server_start, text(response), 30);
  EXPECT_EQ(told().http_status, 404);
}

TEST_F(MetadataTrackerTest, AFirstSegmentThatComesSecondIsPutInFrontWithoutASyn) {
  see(Side::low, 1000 + 40, Bytes{tls_client}.subspan(40));
  EXPECT_EQ(told().server_name, "");
  see(Side::low, 1000, tls_client);
  EXPECT_EQ(told().server_name, "example.com");
}

TEST_F(MetadataTrackerTest, ACaptureThatBeginsInTheMiddleTellsTheNextRequest) {
  see(Side::low, 1000, as_bytes("rest of a body without a head"));
  see(Side::low, 1029, as_bytes(request));
  EXPECT_EQ(told().http_method, "POST");
  new_flow();
  see(Side::low, 1000, record(23, zeros(100)));
  see(Side::low, 1105, record(23, zeros(100)));
  EXPECT_EQ(tracker_.find(flow_), nullptr) << "TLS in the middle says nothing";
}

TEST_F(MetadataTrackerTest, StarttlsIsFoundInBothDirections) {
  handshake_packets();
  see(Side::high, server_start, as_bytes("220 mail\r\n"));
  see(Side::low, client_start, as_bytes("STARTTLS\r\n"));
  see(Side::high, server_start + 10, as_bytes("220 go\r\n"));
  // The answer's second half comes first.
  see(Side::low, client_start + 10, tls_client, tcp_flag::ack, server_start + 18);
  see(Side::high, server_start + 18 + 50, Bytes{tls12_server}.subspan(50));
  see(Side::high, server_start + 18, Bytes{tls12_server}.first(50));
  expect_tls12(told());
}

TEST_F(MetadataTrackerTest, BehindConnectTheTunnelledTlsIsRead) {
  handshake_packets();
  const ByteBuffer connect =
      text("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
  see(Side::low, client_start, connect);
  see(Side::high, server_start, as_bytes("HTTP/1.1 200 OK\r\n\r\n"), tcp_flag::ack);
  see(Side::low, client_start + static_cast<std::uint32_t>(connect.size()), tls_client,
      tcp_flag::ack, server_start + 19);
  see(Side::high, server_start + 19, tls12_server);
  EXPECT_EQ(told().http_method, "CONNECT");
  EXPECT_EQ(told().http_status, 200);
  expect_tls12(told());
}

TEST_F(MetadataTrackerTest, BytesInsideAnotherProtocolAreNoHttp) {
  handshake_packets();
  see(Side::low, client_start, as_bytes("DATA\r\n"));
  see(Side::low, client_start + 6, as_bytes(request));
  EXPECT_EQ(tracker_.find(flow_), nullptr);
}

TEST_F(MetadataTrackerTest, SipAndRtspAreNoHttp) {
  handshake_packets();
  see(Side::low, client_start, as_bytes("OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n"));
  EXPECT_EQ(told().http_method, "");
  EXPECT_TRUE(found_.none());
}

TEST_F(MetadataTrackerTest, AHelloInSeveralRecordsIsRead) {
  const ByteBuffer hello = handshake(1, browser_hello_body());
  ByteBuffer records;
  for (std::size_t at = 0; at < hello.size(); at += 50) {
    const auto from = hello.begin() + static_cast<std::ptrdiff_t>(at);
    records = records +
              record(22, ByteBuffer(from, from + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                                     50, hello.size() - at))));
  }
  in_segments(Side::low, 0, records, 70);
  EXPECT_EQ(told().server_name, "example.com");
}

// RFC 8446 §4.1.4: behind a HelloRetryRequest comes the ServerHello that counts.
TEST_F(MetadataTrackerTest, TheServerHelloBehindARetryRequestCounts) {
  const ByteBuffer random{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                          0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                          0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
  const ByteBuffer tls13 = extension(43, be16(0x0304));
  in_segments(Side::high, 0,
              record(22, handshake(2, server_hello_body(0x1301, tls13, random))) + record(20, {1}) +
                  record(22, handshake(2, server_hello_body(0x1302, tls13))),
              40);
  EXPECT_EQ(told().tls_cipher, "TLS_AES_256_GCM_SHA384");
}

TEST_F(MetadataTrackerTest, AWarningMayComeBehindTheServerHello) {
  in_segments(Side::high, 0,
              record(22, handshake(2, server_hello_body(tls12_cipher, {}))) + record(21, {1, 112}) +
                  record(22, handshake(11, certificate_body(der_bytes))),
              3);
  EXPECT_EQ(told().certificate_sha256, sha256({der_bytes}));
}

TEST_F(MetadataTrackerTest, MalformedMessagesAreNamed) {
  see(Side::low, 0, record(22, handshake(1, zeros(10))));
  EXPECT_TRUE(has(found_, Anomaly::tls_hello_invalid));
  new_flow();
  see(Side::low, 0, record(22, u8(1)) + zeros(9));
  EXPECT_TRUE(has(found_, Anomaly::tls_record_invalid));
  new_flow();
  see(Side::low, 0, text("GET / HTTP/1.1\r\nno colon\r\n"));
  EXPECT_TRUE(has(found_, Anomaly::http_head_invalid));
  new_flow();
  see(Side::low, 0, text("SSH-2.0-x\r\n") + be32(0x7fffffff));
  EXPECT_TRUE(has(found_, Anomaly::ssh_message_too_long));
  new_flow();
  see(Side::low, 0,
      text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + ByteBuffer{0, 0, 1, 1, 4, 0, 0, 0, 1, 0xff});
  EXPECT_TRUE(has(found_, Anomaly::http2_frame_invalid));
}

TEST_F(MetadataTrackerTest, ReadsHttp2WithPriorKnowledge) {
  const auto frame = [](unsigned type, unsigned flags, const ByteBuffer& payload) {
    return be24(payload.size()) + u8(type) + u8(flags) + be32(1) + payload;
  };
  // RFC 7541 §C.4.1, in a HEADERS and a CONTINUATION frame.
  const ByteBuffer block = *parse_hex("828684418cf1e3c2e5f23a6ba0ab90f4ff");
  const ByteBuffer head(block.begin(), block.begin() + 7);
  const ByteBuffer tail(block.begin() + 7, block.end());
  const ByteBuffer settings = ByteBuffer{0, 0, 6, 4, 0, 0, 0, 0, 0} + zeros(6);
  const ByteBuffer client = text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + settings +
                            frame(0, 0, zeros(40)) + frame(1, 0, head) + frame(9, 4, tail);
  const ByteBuffer server = settings + frame(1, 4, {0x08, 3, '1', '0', '3'}) + frame(1, 4, {0x8d});
  for (const std::size_t size : {1U, 4U, 1000U}) {
    in_segments(Side::low, 0, client, size);
    in_segments(Side::high, 0, server, size);
    EXPECT_EQ(told().http_method, "GET");
    EXPECT_EQ(told().server_name, "www.example.com");
    EXPECT_EQ(told().http_url, "/");
    EXPECT_EQ(told().http_status, 404);
    new_flow();
  }
  EXPECT_TRUE(found_.none());
}

// Its length is 24 bits: 276 bytes are 00 01 14.
TEST_F(MetadataTrackerTest, LongSettingsOfAnHttp2ServerAreKnownHoweverTheyAreCut) {
  const ByteBuffer server = be24(276) + ByteBuffer{4, 0, 0, 0, 0, 0} + zeros(276) + be24(1) +
                            ByteBuffer{1, 4, 0, 0, 0, 1, 0x88};
  for (const std::size_t size : {1U, 2U, 3U, 5U, 1000U}) {
    handshake_packets();
    in_segments(Side::high, server_start, server, size);
    EXPECT_EQ(told().http_status, 200) << "segments of " << size;
    new_flow();
  }
}

TEST_F(MetadataTrackerTest, ReadsQuicOverUdp) {
  flow_.key.protocol = ip_protocol::udp;
  const ByteBuffer id{1, 2, 3, 4, 5, 6, 7, 8};
  const ByteBuffer hello = handshake(1, browser_hello_body());
  see(Side::high, 0,
      sealed_initial({.destination = id, .source = {}, .key_id = id}, crypto_frame(0, hello)));
  EXPECT_EQ(told().server_name, "example.com");
  new_flow();
  for (int i = 0; i < 20; ++i) see(Side::high, 0, zeros(1200));
  EXPECT_EQ(tracker_.find(flow_), nullptr);
}

// RFC 9000 §12.2: packets are coalesced in any order; type 1 is 0-RTT, version 2 shifts it.
TEST_F(MetadataTrackerTest, AnInitialPacketMayStandBehindEarlyData) {
  flow_.key.protocol = ip_protocol::udp;
  const ByteBuffer id{1, 2, 3, 4, 5, 6, 7, 8};
  const ByteBuffer hello = handshake(1, browser_hello_body());
  for (const std::uint32_t version : {quic_version::v1, quic_version::v2}) {
    const ByteBuffer early = u8(version == quic_version::v2 ? 0xe0 : 0xd0) + be32(version) +
                             with_length8(id) + u8(0) + be16(0x4000U | 60U) + zeros(60);
    const ByteBuffer initial =
        sealed_initial({.version = version, .destination = id, .source = {}, .key_id = id},
                       crypto_frame(0, hello));
    see(Side::high, 0, early);
    see(Side::high, 0, early + initial);
    EXPECT_EQ(told().server_name, "example.com");
    new_flow();
  }
}

// STUN (RFC 8489 §5) shares the ports of WebRTC's DTLS and comes first.
TEST_F(MetadataTrackerTest, ReadsDtlsBehindStun) {
  flow_.key.protocol = ip_protocol::udp;
  const ByteBuffer binding = be16(1) + be16(0) + be32(0x2112a442) + zeros(12);
  for (int i = 0; i < 12; ++i) see(Side::low, 0, binding);
  see(Side::low, 0, dtls_record(dtls_fragment(1, 0, dtls_client_hello_body())));
  EXPECT_EQ(told().server_name, "example.com");
  see(Side::high, 0,
      dtls_record(dtls_fragment(2, 0, server_hello_body(0xc02b, {}, zeros(32), 0xfeff))));
  EXPECT_EQ(told().tls_version, "DTLSv1.0");
}

TEST_F(MetadataTrackerTest, ReadsGooglesQuic) {
  flow_.key.protocol = ip_protocol::udp;
  see(Side::high, 0, gquic_public_header("Q043") + gquic_stream(gquic_hello()));
  EXPECT_EQ(told().server_name, "example.com");
  EXPECT_EQ(told().tls_version, "Q043");
  new_flow();
  const ByteBuffer id{1, 2, 3, 4, 5, 6, 7, 8};
  see(Side::high, 0,
      sealed_initial({.version = quic_version::q050, .destination = id, .source = {}, .key_id = id},
                     u8(8) + u8(0) + be16(0x4000U | static_cast<unsigned>(gquic_hello().size())) +
                         gquic_hello() + zeros(40)));
  EXPECT_EQ(told().server_name, "example.com");
  EXPECT_EQ(told().tls_version, "Q050");
  EXPECT_EQ(told().ja4, "") << "there is no TLS in it";
}

// RFC 5246 §E.2; the server answers in records.
TEST_F(MetadataTrackerTest, ReadsAClientHelloInTheFormOfSsl2) {
  const ByteBuffer client = be16(0x8000 + 9 + 6 + 16) + u8(1) + be16(0x0301) + be16(6) + be16(0) +
                            be16(16) + ByteBuffer{0, 0, 0x2f, 0, 0, 0x35} + zeros(16);
  for (const std::size_t size : {1U, 2U, 5U, 1000U}) {
    handshake_packets();
    in_segments(Side::low, client_start, client + record(22, handshake(16, zeros(3))), size);
    in_segments(Side::high, server_start, tls12_server, size);
    EXPECT_EQ(told().ja3, hex(md5(as_bytes("769,47-53,,,"))));
    EXPECT_EQ(told().ja4.substr(0, 10), "t10i020000");
    EXPECT_EQ(told().tls_version, "TLSv1.2");
    new_flow();
  }
}

// RFC 7540 §3.2: behind the 101 the connection goes on as HTTP/2, and the first request's response
// is the one on stream 1.
TEST_F(MetadataTrackerTest, BehindAnUpgradeToHttp2TheResponseIsInFrames) {
  const ByteBuffer client =
      text(
          "GET /a HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade, HTTP2-Settings\r\n"
          "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n") +
      text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + ByteBuffer{0, 0, 0, 4, 0, 0, 0, 0, 0};
  const ByteBuffer server =
      text("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n") +
      ByteBuffer{0, 0, 0, 4, 0, 0, 0, 0, 0} + ByteBuffer{0, 0, 1, 1, 4, 0, 0, 0, 1, 0x8d};
  for (const std::size_t size : {1U, 4U, 1000U}) {
    handshake_packets();
    in_segments(Side::low, client_start, client, size);
    in_segments(Side::high, server_start, server, size);
    EXPECT_EQ(told().http_method, "GET");
    EXPECT_EQ(told().http_url, "/a");
    EXPECT_EQ(told().server_name, "example.com");
    EXPECT_EQ(told().http_status, 404);
    new_flow();
  }
  for (std::size_t cut = 34; cut < server.size(); ++cut) {
    in_segments(Side::high, server_start,
                ByteBuffer(server.begin(), server.begin() + static_cast<std::ptrdiff_t>(cut)),
                1000);
    EXPECT_EQ(told().http_status, 101) << cut;
    new_flow();
  }
  in_segments(
      Side::high, server_start,
      text("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 404 x\r\n"),
      1000);
  EXPECT_EQ(told().http_status, 101);
  EXPECT_TRUE(found_.none());
}

TEST_F(MetadataTrackerTest, NothingIsKeptForUnknownProtocolsAndSettledFlows) {
  handshake_packets();
  for (std::uint32_t i = 0; i < 100; ++i) see(Side::low, client_start + i * 1000, zeros(1000));
  EXPECT_EQ(memory_.used(), 0U);
  new_flow();
  handshake_packets();
  in_segments(Side::low, client_start, tls_client, 100);
  EXPECT_EQ(memory_.used(), 0U) << "the client has said what it says";
}

constexpr std::string_view plain_request = "GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n";

TEST_F(MetadataTrackerTest, AHelloIsFoundBehindAnyGreeting) {
  for (const std::string_view word : {"A", "SS", "HTTP", "GET ", "\x16", "EHLO a\r\n", "no end"}) {
    for (const std::size_t size : {3U, 9U, 5000U}) {
      handshake_packets();
      const auto bytes = static_cast<std::uint32_t>(word.size());
      see(Side::low, client_start, as_bytes(word));
      see(Side::high, server_start, as_bytes(word), tcp_flag::ack, client_start + bytes);
      for (std::size_t at = 0; at < tls_client.size(); at += size) {
        see(Side::low, client_start + bytes + static_cast<std::uint32_t>(at),
            Bytes{tls_client}.subspan(at, std::min(size, tls_client.size() - at)), tcp_flag::ack,
            server_start + bytes);
      }
      in_segments(Side::high, server_start + bytes, tls12_server, size);
      expect_tls12(told());
      new_flow();
    }
  }
}

TEST_F(MetadataTrackerTest, AHelloBehindAGreetingInItsSegmentIsFound) {
  const std::string_view proxy_header{
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
      "12345678abcd",
      28};
  for (const std::string_view word : {std::string_view{"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n"},
                                      proxy_header, std::string_view{"greeting without an end "}}) {
    handshake_packets();
    see(Side::low, client_start, text(word) + tls_client, tcp_flag::ack, server_start);
    see(Side::high, server_start, tls12_server);
    expect_tls12(told());
    new_flow();
  }
}

TEST_F(MetadataTrackerTest, ARequestBehindEmptyLinesOrAProxysLineIsRead) {
  const std::string_view proxy = "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n";
  for (const std::string_view before :
       {std::string_view{"\r\n"}, std::string_view{"\n\r\n"}, proxy}) {
    for (const std::size_t size : {1U, 2U, 500U}) {
      handshake_packets();
      in_segments(Side::low, client_start, text(before) + text(plain_request), size);
      in_segments(Side::high, server_start, text("\r\n") + text(response), size);
      EXPECT_EQ(told().http_url, "/a") << before;
      EXPECT_EQ(told().server_name, "www.example.com");
      EXPECT_EQ(told().http_status, 404);
      new_flow();
    }
  }
}

TEST_F(MetadataTrackerTest, NoLineAndNoHeadIsTooLong) {
  handshake_packets();
  const ByteBuffer head =
      text("BREW /" + std::string(20'000, 'u') + " HTTP/1.1\r\nX: " + std::string(70'000, 'x') +
           "\r\nHost: www.example.com\r\n\r\n");
  in_segments(Side::low, client_start, head, 1400);
  EXPECT_EQ(told().http_method, "BREW");
  EXPECT_GT(told().http_url.size(), metadata_limit::http_url) << "cut, and that shows";
  EXPECT_EQ(told().server_name, "www.example.com");
  EXPECT_TRUE(found_.none());
  new_flow();
}

TEST_F(MetadataTrackerTest, TheHostOfAnAbsoluteTargetCounts) {
  handshake_packets();
  see(Side::low, client_start,
      as_bytes("GET http://a.example/x HTTP/1.1\r\nHost: b.example\r\n\r\n"));
  EXPECT_EQ(told().server_name, "a.example");
  EXPECT_EQ(told().http_url, "http://a.example/x");
}

TEST_F(MetadataTrackerTest, WarningsMayComeBeforeBothHellos) {
  const ByteBuffer warning = record(21, {1, 112});
  for (const std::size_t size : {1U, 7U, 5000U}) {
    handshake_packets();
    in_segments(Side::low, client_start, warning + tls_client, size);
    in_segments(Side::high, server_start, warning + warning + tls12_server, size);
    expect_tls12(told());
    new_flow();
  }
}

TEST_F(MetadataTrackerTest, APartOfAHelloTellsWhatItSays) {
  handshake_packets();
  const ByteBuffer hello = record(
      22,
      handshake(1, client_hello_body(list16({0x1301}), server_name_extension("www.example.com") +
                                                           extension(0x0015, zeros(1200)))));
  see(Side::low, client_start, Bytes{hello}.first(400));
  see(Side::low, client_start + 1000, Bytes{hello}.subspan(1000));
  EXPECT_EQ(told().server_name, "www.example.com");
  EXPECT_EQ(told().ja3, "") << "of a whole hello only";
}

TEST_F(MetadataTrackerTest, WhatTheReceiverDropsWinsNoStream) {
  const ByteBuffer decoy = text("GET /decoy HTTP/1.1\r\nHost: decoy.example\r\n\r\n");
  handshake_packets();
  see(Side::low, client_start, decoy, tcp_flag::ack, server_start - 66'000);
  see(Side::low, client_start, decoy, tcp_flag::ack, server_start + (1U << 24U));
  PacketView padded;
  padded.protocol = ip_protocol::tcp;
  padded.has_transport = true;
  padded.ip_bytes = 46;
  padded.tcp = {.sequence = client_start, .acknowledgement = server_start, .flags = tcp_flag::ack};
  const ByteBuffer padding = zeros(6);
  padded.payload = padding;
  tracker_.observe(flow_, Side::low, padded);
  see(Side::low, client_start, as_bytes(plain_request), tcp_flag::ack | tcp_flag::psh,
      server_start);
  EXPECT_EQ(told().http_url, "/a");
  EXPECT_TRUE(found_.none());
}

}  // namespace
}  // namespace dpi
