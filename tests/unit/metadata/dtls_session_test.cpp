#include "probe/metadata/dtls_session.h"

#include <gtest/gtest.h>

#include "probe/crypto/digest.h"
#include "tests/support/dtls.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

const ByteBuffer der_bytes = text("no DER, but a certificate's place");
const ByteBuffer client_body = dtls_client_hello_body();
const ByteBuffer server_body =
    server_hello_body(0xc02b, alpn_extension({"webrtc"}), zeros(32), 0xfefd);
const ByteBuffer chain = certificate_body(der_bytes);

class DtlsSessionTest : public ::testing::Test {
 protected:
  ReadState client(const ByteBuffer& datagram) {
    return session_.read(Side::low, datagram, metadata_, found_);
  }
  ReadState server(const ByteBuffer& datagram) {
    return session_.read(Side::high, datagram, metadata_, found_);
  }
  StreamMemory memory_{1U << 20U};
  DtlsSession session_{memory_};
  AppMetadata metadata_;
  AnomalySet found_;
};

TEST_F(DtlsSessionTest, ReadsHellosAndTheCertificate) {
  EXPECT_EQ(client(dtls_record(dtls_fragment(1, 0, client_body))), ReadState::more);
  EXPECT_EQ(server(dtls_record(dtls_fragment(2, 0, server_body)) +
                   dtls_record(dtls_fragment(11, 1, chain))),
            ReadState::done);
  EXPECT_EQ(metadata_.server_name, "example.com");
  EXPECT_EQ(metadata_.alpn_offered, "webrtc");
  EXPECT_EQ(metadata_.alpn_chosen, "webrtc");
  EXPECT_EQ(metadata_.tls_version, "DTLSv1.2");
  EXPECT_EQ(metadata_.tls_cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(metadata_.certificate_sha256, sha256({der_bytes}));
  EXPECT_EQ(metadata_.ja3, hex(md5(as_bytes("65277,49195-49199,0-16-10,29-23,"))));
  EXPECT_EQ(metadata_.ja4.substr(0, 10), "dd2d0203wc");
}

// RFC 6347 §4.2.1: ClientHello, HelloVerifyRequest, ClientHello with its cookie, ServerHello.
TEST_F(DtlsSessionTest, TheExchangeOfACookieTellsTheSame) {
  client(dtls_record(dtls_fragment(1, 0, client_body)));
  EXPECT_EQ(server(dtls_record(dtls_fragment(3, 0, be16(0xfeff) + with_length8(zeros(20))))),
            ReadState::more);
  client(dtls_record(dtls_fragment(1, 1, dtls_client_hello_body(zeros(20)))));
  EXPECT_EQ(server(dtls_record(dtls_fragment(2, 1, server_body) + dtls_fragment(14, 2, {}))),
            ReadState::done)
      << "no certificate is to come";
  EXPECT_EQ(metadata_.tls_version, "DTLSv1.2");
  EXPECT_TRUE(found_.none());
}

TEST_F(DtlsSessionTest, FragmentsMayComeInAnyOrderTwiceAndOverlap) {
  const std::size_t end = chain.size();
  server(dtls_record(dtls_fragment(11, 1, chain, 20, end)));
  server(dtls_record(dtls_fragment(2, 0, server_body, 40, server_body.size())));
  server(dtls_record(dtls_fragment(2, 0, server_body, 0, 50)));
  EXPECT_EQ(metadata_.tls_version, "DTLSv1.2");
  server(dtls_record(dtls_fragment(11, 1, chain, 20, end)));
  server(dtls_record(dtls_fragment(14, 2, {})));
  EXPECT_FALSE(metadata_.certificate_sha256.has_value()) << "its beginning may still come";
  server(dtls_record(dtls_fragment(11, 1, chain, 0, 30)));
  EXPECT_EQ(metadata_.certificate_sha256, sha256({der_bytes}));
}

TEST_F(DtlsSessionTest, EveryByteMayBeAFragment) {
  for (std::size_t i = 0; i < client_body.size(); ++i) {
    EXPECT_EQ(metadata_.server_name, "");
    client(dtls_record(dtls_fragment(1, 0, client_body, i, i + 1)));
  }
  EXPECT_EQ(metadata_.server_name, "example.com");
}

// RFC 9147 §5.3: legacy_version is that of DTLS 1.2, the real one is in supported_versions.
TEST_F(DtlsSessionTest, ReadsDtls13WithItsRetryRequest) {
  const ByteBuffer random{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                          0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                          0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
  const ByteBuffer dtls13 = extension(43, be16(0xfefc));
  client(dtls_record(dtls_fragment(
      1, 0, dtls_client_hello_body({}, 0xfefd, extension(43, with_length8(be16(0xfefc)))))));
  server(dtls_record(dtls_fragment(2, 0, server_hello_body(0x1301, dtls13, random, 0xfefd))));
  EXPECT_EQ(metadata_.tls_cipher, "TLS_AES_128_GCM_SHA256");
  // What is encrypted has a header of another form, here behind the ServerHello.
  EXPECT_EQ(server(dtls_record(
                       dtls_fragment(2, 1, server_hello_body(0x1302, dtls13, zeros(32), 0xfefd))) +
                   ByteBuffer{0x2e, 0, 0, 0, 40} + zeros(40)),
            ReadState::done);
  EXPECT_EQ(metadata_.tls_version, "DTLSv1.3");
  EXPECT_EQ(metadata_.tls_cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(metadata_.ja4.substr(0, 10), "dd3d0204wc");
}

TEST_F(DtlsSessionTest, WhatContradictsItselfIsNamedAndTheRestGoesOn) {
  client(dtls_record(u8(1) + be24(10) + be16(0) + be24(8) + be24(3) + zeros(3)));
  EXPECT_TRUE(has(found_, Anomaly::tls_record_invalid));
  client(dtls_record(dtls_fragment(1, 0, client_body, 0, 60)));
  const ByteBuffer longer = client_body + zeros(1);
  client(dtls_record(dtls_fragment(1, 0, longer, 60, longer.size())));
  EXPECT_EQ(metadata_.server_name, "") << "a fragment of another length is none of this message";
  client(dtls_record(dtls_fragment(1, 0, client_body, 60, client_body.size())));
  EXPECT_EQ(metadata_.server_name, "example.com");
  server(dtls_record(dtls_fragment(2, 0, zeros(10))));
  EXPECT_TRUE(has(found_, Anomaly::tls_hello_invalid));
}

TEST_F(DtlsSessionTest, AMessageThatClaimsMegabytesCostsNothing) {
  client(dtls_record(u8(1) + be24(0xffffff) + be16(0) + be24(0xfffff0) + be24(3) + zeros(3)));
  EXPECT_EQ(memory_.used(), 0U);
  client(dtls_record(u8(1) + be24(0xffffff) + be16(0) + be24(0) + be24(3) + zeros(3)));
  EXPECT_TRUE(has(found_, Anomaly::tls_hello_too_long));
  EXPECT_EQ(memory_.used(), 0U) << "it is given back when the direction is done";
}

// RFC 5415 §4.2.
TEST_F(DtlsSessionTest, BehindCapwapsPreamble) {
  client(ByteBuffer{1, 0, 0, 0} + dtls_record(dtls_fragment(1, 0, client_body)));
  EXPECT_EQ(metadata_.server_name, "example.com");
}

}  // namespace
}  // namespace dpi
