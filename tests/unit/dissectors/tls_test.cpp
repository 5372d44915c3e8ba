#include "tests/support/tls.h"

#include <gtest/gtest.h>

#include "dissectors/tls/cipher_suite.h"
#include "dissectors/tls/fingerprint.h"
#include "dissectors/tls/handshake.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

TEST(TlsTest, ReadsAClientHello) {
  const ByteBuffer body = browser_hello_body();
  const auto hello = parse_client_hello(body);
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->legacy_version, 0x0303);
  EXPECT_EQ(as_text(hello->server_name), "example.com");
  ASSERT_EQ(hello->alpn.size(), 2U);
  EXPECT_EQ(as_text(hello->alpn[1]), "http/1.1");
  EXPECT_EQ(hello->ciphers.size(), 16U);
  EXPECT_EQ(hello->supported_versions, (std::vector<std::uint16_t>{0x3a3a, 0x0304, 0x0303}));
}

TEST(TlsTest, AClientHelloCutAnywhereIsRefusedExceptWhereItMayEnd) {
  const ByteBuffer whole = browser_hello_body();
  // Before TLS 1.2 a hello may end behind its compression methods.
  const std::size_t without_extensions = 2 + 32 + 33 + 2 + 32 + 2;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const ByteBuffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(parse_client_hello(cut).has_value(), n == without_extensions) << n;
  }
}

TEST(TlsTest, AServerHelloCutAnywhereIsRefusedExceptWhereItMayEnd) {
  const ByteBuffer whole =
      server_hello_body(0x1301, extension(43, be16(0x0304)) + alpn_extension({"h2"}));
  const std::size_t without_extensions = 2 + 32 + 33 + 3;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const ByteBuffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(parse_server_hello(cut).has_value(), n == without_extensions) << n;
  }
  const auto hello = parse_server_hello(whole);
  EXPECT_EQ(hello->version(), 0x0304);
  EXPECT_EQ(hello->cipher, 0x1301);
  EXPECT_EQ(as_text(hello->alpn), "h2");
  EXPECT_FALSE(hello->hello_retry_request);
}

// RFC 8446 §4.1.3.
TEST(TlsTest, KnowsAHelloRetryRequestByItsRandom) {
  const ByteBuffer random{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                          0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                          0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
  EXPECT_TRUE(parse_server_hello(server_hello_body(0x1301, {}, random))->hello_retry_request);
}

TEST(TlsTest, RecordHeadersHaveOneOfFourTypesVersion3AndABoundedLength) {
  EXPECT_TRUE(parse_tls_record_header(ByteBuffer{22, 3, 1, 0, 5}).has_value());
  EXPECT_FALSE(parse_tls_record_header(ByteBuffer{22, 3, 1, 0}).has_value());
  EXPECT_FALSE(parse_tls_record_header(ByteBuffer{24, 3, 1, 0, 5}).has_value());
  EXPECT_FALSE(parse_tls_record_header(ByteBuffer{22, 2, 0, 0, 5}).has_value());
  EXPECT_FALSE(parse_tls_record_header(ByteBuffer{22, 3, 1, 0x48, 1}).has_value());
}

TEST(TlsTest, TheFirstCertificateIsFoundAsSoonAsItIsHere) {
  using Outcome = FirstCertificate::Outcome;
  const ByteBuffer chain = with_length24(with_length24(text("first")) + with_length24(zeros(99)));
  for (std::size_t n = 0; n <= chain.size(); ++n) {
    const auto got = first_certificate(Bytes{chain}.first(n), chain.size());
    EXPECT_EQ(got.outcome, n < 11 ? Outcome::more : Outcome::found) << n;
    EXPECT_EQ(as_text(got.der), n < 11 ? "" : "first");
  }
  EXPECT_EQ(first_certificate(ByteBuffer{0, 0, 0}, 3).outcome, Outcome::none);
  EXPECT_EQ(first_certificate(ByteBuffer{0, 0, 4, 0, 0, 9, 1, 2, 3}, 9).outcome,
            Outcome::malformed);
}

// The example of salesforce/ja3: "769,47-53-…" has this digest.
TEST(FingerprintTest, Ja3IsTheTextThatItsAuthorsShow) {
  const ByteBuffer body = client_hello_body(
      list16({47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4}),
      server_name_extension("x") + extension(10, with_length16(list16({23, 24, 25}))) +
          extension(11, with_length8({0})),
      769);
  EXPECT_EQ(ja3_text(*parse_client_hello(body)),
            "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
}

TEST(FingerprintTest, Ja3LeavesGreaseOut) {
  const ByteBuffer body = browser_hello_body();
  EXPECT_EQ(ja3_text(*parse_client_hello(body)),
            "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
            "27-0-51-16-17513-23-45-13-5-35-18-43-65281-11-10-21,29-23-24,0");
}

TEST(FingerprintTest, Ja3sIsVersionCipherAndExtensions) {
  const ByteBuffer body =
      server_hello_body(0xc02f, extension(0xff01, {0}) + extension(0, {}) + extension(11, {1, 0}));
  EXPECT_EQ(ja3s_text(*parse_server_hello(body)), "771,49199,65281-0-11");
}

// FoxIO's worked example.
TEST(FingerprintTest, Ja4SortsCiphersAndExtensions) {
  const ByteBuffer body = browser_hello_body();
  const Ja4Parts parts = ja4_parts(*parse_client_hello(body), TlsCarrier::stream);
  EXPECT_EQ(parts.head, "t13d1516h2");
  EXPECT_EQ(parts.ciphers,
            "002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9");
  EXPECT_EQ(parts.extensions,
            "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_"
            "0403,0804,0401,0503,0805,0501,0806,0601");
}

TEST(FingerprintTest, Ja4OfAnUnusualHello) {
  const auto head = [](const ByteBuffer& ciphers, const ByteBuffer& extensions, bool quic = false,
                       unsigned version = 0x0301) {
    const ByteBuffer body = client_hello_body(ciphers, extensions, version);
    return ja4_parts(*parse_client_hello(body), quic ? TlsCarrier::quic : TlsCarrier::stream);
  };
  EXPECT_EQ(head({}, {}).head, "t10i000000");
  EXPECT_EQ(head({}, {}).ciphers, "");
  EXPECT_EQ(head({}, {}).extensions, "");
  EXPECT_EQ(head({}, {}, true, 0x0305).head, "q00i000000");
  EXPECT_EQ(head({}, alpn_extension({"h3"}), true).head, "q10i0001h3");
  EXPECT_EQ(head({}, alpn_extension({"x"})).head, "t10i0001xx");
  EXPECT_EQ(head({}, alpn_extension({"\xab\xcd"})).head, "t10i0001ad");
  ByteBuffer many;
  for (unsigned i = 0; i < 120; ++i) many = many + be16(i);
  EXPECT_EQ(head(many, {}).head, "t10i990000");
  EXPECT_EQ(head({}, extension(0x12, {})).extensions, "0012");
}

TEST(CipherSuiteTest, NamesAreIanasAndUnknownOnesAreHexadecimal) {
  EXPECT_EQ(tls_cipher_name(0x1301), "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(tls_cipher_name(0x0000), "TLS_NULL_WITH_NULL_NULL");
  EXPECT_EQ(tls_cipher_name(0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(tls_cipher_name(0xcca8), "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(tls_cipher_name(0xfafb), "0xFAFB");
  EXPECT_EQ(tls_version_name(0x0304), "TLSv1.3");
  EXPECT_EQ(tls_version_name(0x0300), "SSLv3");
  EXPECT_EQ(tls_version_name(0x7f1c), "0x7F1C");
}

}  // namespace
}  // namespace dpi
