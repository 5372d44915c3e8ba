#include "dissectors/tls/certificate.h"

#include <gtest/gtest.h>

#include "tests/support/tls.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

ByteBuffer der(unsigned tag, const ByteBuffer& content) {
  ByteBuffer out = u8(tag);
  if (content.size() < 128) {
    out = out + u8(static_cast<unsigned>(content.size()));
  } else {
    out = out + u8(0x82) + be16(static_cast<unsigned>(content.size()));
  }
  return out + content;
}
ByteBuffer attribute(const ByteBuffer& oid, unsigned tag, std::string_view value) {
  return der(0x30, der(0x06, oid) + der(tag, text(value)));
}
const ByteBuffer common_name{0x55, 4, 3};
const ByteBuffer organization{0x55, 4, 10};
const ByteBuffer country{0x55, 4, 6};

struct Parts {
  ByteBuffer issuer = der(0x31, attribute(country, 0x13, "DE")) +
                      der(0x31, attribute(organization, 0x0c, "Test, Inc.")) +
                      der(0x31, attribute(common_name, 0x0c, "CA"));
  ByteBuffer subject = der(0x31, attribute(common_name, 0x0c, "a.example"));
  ByteBuffer not_before = der(0x17, text("200102030405Z"));
  ByteBuffer not_after = der(0x18, text("20491231235959Z"));
  bool version = true;
};
ByteBuffer certificate(const Parts& p) {
  const ByteBuffer tbs = (p.version ? der(0xa0, der(2, {2})) : ByteBuffer{}) + der(2, {1}) +
                         der(0x30, der(6, {42, 3})) + der(0x30, p.issuer) +
                         der(0x30, p.not_before + p.not_after) + der(0x30, p.subject) +
                         der(0x30, zeros(200));
  return der(0x30, der(0x30, tbs) + der(0x30, {}) + der(3, zeros(65)));
}

std::string subject_of(const ByteBuffer& rdns) {
  Parts parts;
  parts.subject = rdns;
  const auto facts = parse_certificate(certificate(parts));
  return facts ? facts->subject : "malformed";
}

TEST(CertificateTest, TellsNamesAndValidity) {
  for (const bool version : {true, false}) {
    Parts parts;
    parts.version = version;
    const auto facts = parse_certificate(certificate(parts));
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->subject, "CN=a.example");
    EXPECT_EQ(facts->issuer, "CN=CA,O=Test\\, Inc.,C=DE");
    EXPECT_EQ(view(time_text(*facts->not_before)), "2020-01-02T03:04:05.000000000Z");
    EXPECT_EQ(view(time_text(*facts->not_after)), "2049-12-31T23:59:59.000000000Z");
  }
}

// RFC 4514 §4.
TEST(CertificateTest, WritesNamesAsRfc4514Does) {
  EXPECT_EQ(subject_of(der(0x31, attribute(common_name, 0x0c, " #a+b=\"c\\<d>;\0e "))),
            "CN=\\ #a\\+b=\\\"c\\\\\\<d\\>\\;");
  EXPECT_EQ(subject_of(der(0x31, attribute(common_name, 0x0c, "#x "))), "CN=\\#x\\ ");
  EXPECT_EQ(subject_of(der(0x31, attribute(common_name, 0x0c, {"a\0b", 3}))), "CN=a\\00b");
  EXPECT_EQ(subject_of(der(0x31, attribute(organization, 0x13, "Sales") +
                                     attribute(common_name, 0x13, "J. Smith"))),
            "O=Sales+CN=J. Smith");
  EXPECT_EQ(subject_of(der(0x31, attribute({0x2b, 6, 1, 4, 1, 0x8b, 0x3a, 0}, 4, "Hi"))),
            "1.3.6.1.4.1.1466.0=#04024869");
  EXPECT_EQ(subject_of({}), "");
}

TEST(CertificateTest, ReadsEveryStringType) {
  EXPECT_EQ(subject_of(der(0x31, attribute(common_name, 0x14, "K\xe4se"))), "CN=K\xc3\xa4se");
  EXPECT_EQ(subject_of(der(0x31, attribute(common_name, 0x1e, {"\0K\x20\xac", 4}))),
            "CN=K\xe2\x82\xac");
  EXPECT_EQ(subject_of(der(0x31, attribute(common_name, 0x1c, {"\0\1\xf6\x00", 4}))),
            "CN=\xf0\x9f\x98\x80");
}

TEST(CertificateTest, TimesOutsideTheRangeAreClampedAndOddFormsAreAbsent) {
  Parts parts;
  parts.not_before = der(0x17, text("500101000000Z"));  // 1950
  parts.not_after = der(0x18, text("99991231235959Z"));
  auto facts = parse_certificate(certificate(parts));
  EXPECT_EQ(*facts->not_before, timestamp(0));
  EXPECT_EQ(view(time_text(*facts->not_after)), "2261-12-31T23:59:59.000000000Z");
  for (const std::string_view odd : {"2001020304Z", "200102030405+0100", "201302030405Z",
                                     "200132030405Z", "200102240405Z", "2001020304xxZ", ""}) {
    parts.not_before = der(0x17, text(odd));
    facts = parse_certificate(certificate(parts));
    ASSERT_TRUE(facts.has_value());
    EXPECT_FALSE(facts->not_before.has_value()) << odd;
  }
}

TEST(CertificateTest, RefusesWhatIsCutAnywhere) {
  const ByteBuffer whole = certificate({});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const ByteBuffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_FALSE(parse_certificate(cut).has_value()) << n;
  }
  EXPECT_TRUE(parse_certificate(whole).has_value());
}

TEST(CertificateTest, RefusesIndefiniteAndHugeLengths) {
  EXPECT_FALSE(parse_certificate(ByteBuffer{0x30, 0x80, 0x30, 0x80, 0, 0}).has_value());
  EXPECT_FALSE(parse_certificate(ByteBuffer{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}).has_value());
}

}  // namespace
}  // namespace dpi
