#include "dissectors/tls/dtls.h"

#include <gtest/gtest.h>

#include "dissectors/tls/cipher_suite.h"
#include "dissectors/tls/fingerprint.h"
#include "dissectors/tls/ssl2.h"
#include "tests/support/dtls.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

// RFC 6347 §4.1 and §4.2.2.
TEST(DtlsTest, ReadsARecordAndItsFragmentAsTheRfcDrawsThem) {
  const ByteBuffer datagram = u8(22) + be16(0xfefd) + be16(0) + zeros(5) + u8(7) +
                              be16(12 + 3) +  // epoch, sequence, length
                              u8(1) + be24(200) + be16(1) + be24(100) + be24(3) + text("abc");
  ByteCursor in(datagram);
  const auto record = next_dtls_record(in);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->content, TlsContent::handshake);
  EXPECT_EQ(record->version, dtls_version::v1_2);
  EXPECT_EQ(record->epoch, 0);
  EXPECT_EQ(in.left(), 0U);
  ByteCursor payload(record->payload);
  const auto fragment = next_dtls_fragment(payload);
  ASSERT_TRUE(fragment.has_value());
  EXPECT_EQ(fragment->type, TlsHandshake::client_hello);
  EXPECT_EQ(fragment->message_bytes, 200U);
  EXPECT_EQ(fragment->message_sequence, 1);
  EXPECT_EQ(fragment->offset, 100U);
  EXPECT_EQ(as_text(fragment->data), "abc");
}

TEST(DtlsTest, ARecordCutAnywhereIsNone) {
  const ByteBuffer whole = dtls_record(dtls_fragment(1, 0, dtls_client_hello_body()));
  EXPECT_TRUE(dtls_begins(whole));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    ByteCursor in(Bytes{whole}.first(n));
    EXPECT_FALSE(next_dtls_record(in).has_value()) << n;
    EXPECT_EQ(in.left(), n) << "it does not move";
    EXPECT_FALSE(dtls_begins(Bytes{whole}.first(n)));
  }
}

TEST(DtlsTest, AFragmentLiesInsideItsMessage) {
  const ByteBuffer bytes = u8(1) + be24(10) + be16(0) + be24(8) + be24(3) + zeros(3);
  ByteCursor in(bytes);
  EXPECT_FALSE(next_dtls_fragment(in).has_value()) << "8 + 3 bytes of 10";
  const ByteBuffer fits = u8(1) + be24(11) + be16(0) + be24(8) + be24(3) + zeros(3);
  for (std::size_t n = 0; n <= fits.size(); ++n) {
    ByteCursor cut(Bytes{fits}.first(n));
    EXPECT_EQ(next_dtls_fragment(cut).has_value(), n == fits.size()) << n;
  }
}

TEST(DtlsTest, BeginsWithAHelloInPlainText) {
  const ByteBuffer hello = dtls_fragment(1, 0, dtls_client_hello_body());
  EXPECT_TRUE(dtls_begins(dtls_record(dtls_fragment(3, 0, zeros(3))))) << "HelloVerifyRequest";
  EXPECT_FALSE(dtls_begins(dtls_record(dtls_fragment(11, 0, zeros(3))))) << "Certificate";
  EXPECT_FALSE(dtls_begins(dtls_record(hello, {.epoch = 1}))) << "encrypted";
  EXPECT_FALSE(dtls_begins(dtls_record(hello, {.content = 23}))) << "application data";
  EXPECT_FALSE(dtls_begins(dtls_record(hello, {.version = 0x0303}))) << "TLS over UDP is none";
  EXPECT_FALSE(dtls_begins(dtls_record({}))) << "no fragment";
}

// RFC 6347 §4.2.1: the cookie stands behind the session id.
TEST(DtlsTest, AClientHelloHasACookieAndIsRefusedWhereverItIsCut) {
  const ByteBuffer whole = dtls_client_hello_body(text("cookie"));
  const auto hello = parse_client_hello(whole, TlsCarrier::datagrams);
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->legacy_version, dtls_version::v1_2);
  EXPECT_EQ(as_text(hello->server_name), "example.com");
  const std::size_t without_extensions = 2 + 32 + 1 + 7 + 2 + 4 + 2;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(parse_client_hello(Bytes{whole}.first(n), TlsCarrier::datagrams).has_value(),
              n == without_extensions)
        << n;
  }
}

// FoxIO's technical details: d for the carrier; d1, d2, d3 for 0xfeff, 0xfefd, 0xfefc.
TEST(DtlsTest, Ja4SaysDtlsAndTheNewestVersionOffered) {
  const auto head = [](unsigned version, const ByteBuffer& extensions) {
    const ByteBuffer body = be16(version) + zeros(32) + u8(0) + u8(0) +
                            with_length16(list16({0xc02b})) + with_length8(u8(0)) +
                            with_length16(extensions);
    return ja4_parts(*parse_client_hello(body, TlsCarrier::datagrams), TlsCarrier::datagrams).head;
  };
  EXPECT_EQ(head(0xfeff, {}), "dd1i010000");
  EXPECT_EQ(head(0xfefd, {}), "dd2i010000");
  EXPECT_EQ(head(0xfefd, extension(43, with_length8(list16({0xfefd, 0xfefc, 0xfeff})))),
            "dd3i010100");
}

TEST(DtlsTest, VersionsHaveNamesAndCertificatesAreEncryptedFrom13On) {
  EXPECT_EQ(tls_version_name(0xfeff), "DTLSv1.0");
  EXPECT_EQ(tls_version_name(0xfefd), "DTLSv1.2");
  EXPECT_EQ(tls_version_name(0xfefc), "DTLSv1.3");
  const auto encrypts = [](std::uint16_t version) {
    ServerHello hello;
    hello.legacy_version = version;
    return hello.encrypts_certificate();
  };
  EXPECT_FALSE(encrypts(0x0303));
  EXPECT_TRUE(encrypts(0x0304));
  EXPECT_TRUE(encrypts(0x7f1c)) << "a draft";
  EXPECT_FALSE(encrypts(0xfeff));
  EXPECT_FALSE(encrypts(0xfefd));
  EXPECT_TRUE(encrypts(0xfefc));
}

// RFC 5246 §E.2.
const ByteBuffer ssl2_hello = be16(0x8000 + 9 + 9 + 16) + u8(1) + be16(0x0301) + be16(9) + be16(0) +
                              be16(16) + ByteBuffer{0, 0, 0x2f, 1, 0, 0x80, 0, 0, 0x35} + zeros(16);

TEST(Ssl2Test, ReadsTheSuitesThatAreThoseOfTls) {
  EXPECT_EQ(ssl2_start(ssl2_hello), Ssl2Start::client_hello);
  EXPECT_EQ(ssl2_hello_bytes(ssl2_hello), ssl2_hello.size());
  const auto hello = parse_ssl2_client_hello(ssl2_hello);
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->legacy_version, 0x0301);
  EXPECT_EQ(hello->ciphers, (std::vector<std::uint16_t>{0x002f, 0x0035}))
      << "01 00 80 is SSL 2.0's own RC4";
  EXPECT_EQ(ja3_text(*hello), "769,47-53,,,");
}

TEST(Ssl2Test, CutAnywhereItIsNone) {
  for (std::size_t n = 0; n < ssl2_hello.size(); ++n) {
    EXPECT_FALSE(parse_ssl2_client_hello(Bytes{ssl2_hello}.first(n)).has_value()) << n;
    EXPECT_EQ(ssl2_start(Bytes{ssl2_hello}.first(n)),
              n < ssl2_hello_header_bytes ? Ssl2Start::perhaps : Ssl2Start::client_hello)
        << n;
  }
}

TEST(Ssl2Test, LengthsMustAgree) {
  const auto with = [](std::size_t at, std::uint8_t value) {
    ByteBuffer out = ssl2_hello;
    out[at] = value;
    return ssl2_start(out);
  };
  EXPECT_EQ(with(0, 0x00), Ssl2Start::no) << "the form with padding";
  EXPECT_EQ(with(1, 9), Ssl2Start::no) << "length of the record";
  EXPECT_EQ(with(2, 4), Ssl2Start::no) << "a ServerHello";
  EXPECT_EQ(with(3, 2), Ssl2Start::no) << "version 2.1";
  EXPECT_EQ(with(4, 9), Ssl2Start::no) << "version 3.9";
  EXPECT_EQ(with(6, 8), Ssl2Start::no) << "specs have three bytes";
  EXPECT_EQ(with(8, 1), Ssl2Start::no) << "a session id has 16 bytes or none";
  EXPECT_EQ(with(10, 15), Ssl2Start::no) << "a challenge has 16 to 32";
}

}  // namespace
}  // namespace dpi
