#include <gtest/gtest.h>

#include "dissectors/dns/message.h"
#include "dissectors/dns/nbns.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

ByteBuffer header(unsigned questions, unsigned answers = 0, unsigned authority = 0,
                  unsigned additional = 0, unsigned flags = 0x8180) {
  return be16(0xbeef) + be16(flags) + be16(questions) + be16(answers) + be16(authority) +
         be16(additional);
}

ByteBuffer name(std::string_view dotted) {
  ByteBuffer out;
  while (!dotted.empty()) {
    const std::size_t dot = std::min(dotted.find('.'), dotted.size());
    out = out + ByteBuffer{static_cast<std::uint8_t>(dot)} + text(dotted.substr(0, dot));
    dotted.remove_prefix(std::min(dot + 1, dotted.size()));
  }
  out.push_back(0);
  return out;
}

ByteBuffer question(const ByteBuffer& qname, unsigned type = 1) {
  return qname + be16(type) + be16(1);
}
ByteBuffer record(const ByteBuffer& owner, unsigned type, const ByteBuffer& data,
                  unsigned klass = 1, std::uint32_t ttl = 300) {
  return owner + be16(type) + be16(klass) + be32(ttl) + be16(static_cast<unsigned>(data.size())) +
         data;
}
const ByteBuffer to_question = be16(0xc00c);

DnsMessage answer_of(unsigned type, const ByteBuffer& data) {
  const ByteBuffer message =
      header(1, 1) + question(name("example.com"), type) + record(to_question, type, data);
  return parse_dns(message);
}
std::string data_of(unsigned type, const ByteBuffer& data) {
  const DnsMessage m = answer_of(type, data);
  EXPECT_FALSE(m.malformed);
  return m.records.empty() ? "" : m.records[0].data;
}

TEST(DnsMessageTest, ReadsHeaderQuestionAndRecords) {
  const DnsMessage m = answer_of(1, {192, 0, 2, 1});
  EXPECT_EQ(m.id, 0xbeef);
  EXPECT_TRUE(m.is_response() && m.flag(dns_flag::rd) && m.flag(dns_flag::ra));
  ASSERT_EQ(m.questions.size(), 1U);
  EXPECT_EQ(m.questions[0].name, "example.com");
  ASSERT_EQ(m.records.size(), 1U);
  EXPECT_EQ(m.records[0].name, "example.com");
  EXPECT_EQ(m.records[0].ttl, 300U);
  EXPECT_EQ(m.records[0].data, "192.0.2.1");
  EXPECT_TRUE(m.anomalies.none());
}

TEST(DnsMessageTest, PresentsDataAsItsRfcSays) {
  EXPECT_EQ(data_of(28, ByteBuffer{0x20, 1, 0xd, 0xb8} + zeros(11) + ByteBuffer{1}), "2001:db8::1");
  EXPECT_EQ(data_of(5, name("Alias.example")), "Alias.example");
  EXPECT_EQ(data_of(2, to_question), "example.com");
  EXPECT_EQ(data_of(15, be16(10) + name("mx.example")), "10%20mx.example");
  EXPECT_EQ(data_of(16, ByteBuffer{3, 'a', ' ', '"', 1, 'b'}), "%22a%20%5C%22%22%20%22b%22");
  EXPECT_EQ(data_of(6, name("ns") + name("host") + be32(1) + be32(2) + be32(3) + be32(4) + be32(5)),
            "ns%20host%201%202%203%204%205");
  EXPECT_EQ(data_of(33, be16(1) + be16(2) + be16(443) + name("srv")), "1%202%20443%20srv");
  EXPECT_EQ(data_of(43, be16(5) + ByteBuffer{8, 2, 0xab}), "5%208%202%20ab");
  EXPECT_EQ(data_of(47, name("next") + ByteBuffer{0, 1, 0x40}), "next%20A");
  EXPECT_EQ(data_of(257, ByteBuffer{0, 5} + text("issueca.example")),
            "0%20issue%20%22ca.example%22");
  EXPECT_EQ(data_of(65, be16(1) + ByteBuffer{0} + be16(1) + be16(3) + ByteBuffer{2, 'h', '2'} +
                            be16(3) + be16(2) + be16(8443)),
            "1%20.%20alpn=h2%20port=8443");
}

TEST(DnsMessageTest, PresentsRareTypes) {
  EXPECT_EQ(data_of(11, ByteBuffer{192, 0, 2, 1, 6, 0x40, 0, 1}), "192.0.2.1%206%201%2023");
  EXPECT_EQ(data_of(19, ByteBuffer{3} + text("311")), "%22311%22");
  EXPECT_EQ(data_of(20, ByteBuffer{2} + text("15") + ByteBuffer{1, '4'}), "%2215%22%20%224%22");
  EXPECT_EQ(data_of(22, ByteBuffer{0x47, 0, 5}), "0x470005");
  EXPECT_EQ(data_of(26, be16(10) + to_question + name("x400")), "10%20example.com.%20x400.");
  EXPECT_EQ(data_of(30, to_question + ByteBuffer{0x62, 0, 0, 8}),
            "example.com.%20A%20NS%20SOA%20AAAA");
  EXPECT_EQ(data_of(37, be16(1) + be16(12345) + ByteBuffer{8, 1, 2, 3, 4}),
            "1%2012345%208%20AQIDBA==");
  EXPECT_EQ(data_of(38, ByteBuffer{64, 0, 0, 0, 0, 0, 0, 0, 1} + name("p")), "64%20::1%20p.");
  EXPECT_EQ(data_of(42, be16(1) + ByteBuffer{24, 0x83, 192, 0, 2} + be16(2) + ByteBuffer{0, 0}),
            "!1:192.0.2.0/24%202:::/0");
  EXPECT_EQ(data_of(45, ByteBuffer{10, 3, 2} + name("gw") + ByteBuffer{1, 2, 3}),
            "10%203%202%20gw.%20AQID");
  EXPECT_EQ(data_of(45, ByteBuffer{10, 0, 0}), "10%200%200%20.");
  EXPECT_EQ(data_of(55, ByteBuffer{2, 2, 0, 1, 0xab, 0xcd, 3} + name("rvs")),
            "2%20ABCD%20Aw==%20rvs.");
  EXPECT_EQ(data_of(62, be32(66) + be16(3) + ByteBuffer{0, 1, 0x60}), "66%203%20A%20NS");
  EXPECT_EQ(data_of(104, be16(10) + ByteBuffer{0, 0x14, 0x4f, 0xff, 0xff, 0x20, 0xee, 0x64}),
            "10%200014:4fff:ff20:ee64");
  EXPECT_EQ(data_of(105, be16(10) + ByteBuffer{10, 1, 2, 0}), "10%2010.1.2.0");
  EXPECT_EQ(data_of(109, ByteBuffer{0, 0, 0x5e, 0xef, 0, 0, 0, 0x2a}), "00-00-5e-ef-00-00-00-2a");
  EXPECT_EQ(data_of(260, ByteBuffer{10, 0x83} + name("amt")), "10%201%203%20amt.");
}

// RFC 1876 §2: sizes at the end that are the defaults are left out.
TEST(DnsMessageTest, PresentsPlaces) {
  const ByteBuffer place =
      be32(0x80000000U + 152'514'000U) + be32(0x80000000U - 255'978'000U) + be32(10'000'000 - 2400);
  const std::string where = "42%2021%2054.000%20N%2071%206%2018.000%20W%20-24.00m";
  EXPECT_EQ(data_of(29, ByteBuffer{0, 0x33, 0x16, 0x13} + place), where + "%2030.00m");
  EXPECT_EQ(data_of(29, ByteBuffer{0, 0x12, 0x16, 0x13} + place), where);
  EXPECT_TRUE(has(answer_of(29, ByteBuffer{1, 0x12, 0x16, 0x13} + place).anomalies,
                  Anomaly::dns_rdata_invalid));
}

ByteBuffer parameter(unsigned key, const ByteBuffer& value) {
  return be16(key) + be16(static_cast<unsigned>(value.size())) + value;
}

// RFC 9460 §2.1, §7, appendix A.
TEST(DnsMessageTest, PresentsServiceParameters) {
  const ByteBuffer head = be16(16) + ByteBuffer{0};
  const ByteBuffer alpn = parameter(1, ByteBuffer{2, 'h', '2'});
  EXPECT_EQ(
      data_of(64, head + parameter(1, ByteBuffer{8} + text("f\\oo,bar") + ByteBuffer{2, 'h', '2'})),
      "16%20.%20alpn=f%5C%5Coo%5C,bar,h2");
  EXPECT_EQ(data_of(64, head + parameter(0, be16(1)) + alpn), "16%20.%20mandatory=alpn%20alpn=h2");
  EXPECT_EQ(data_of(64, head + alpn + parameter(2, {})), "16%20.%20alpn=h2%20no-default-alpn");
  EXPECT_EQ(data_of(64, head + parameter(5, {1, 2, 3}) + parameter(8, {})),
            "16%20.%20ech=AQID%20ohttp");
  EXPECT_EQ(data_of(64, head + parameter(7, text("/q{?dns}")) + parameter(667, text("a b"))),
            "16%20.%20dohpath=/q{?dns}%20key667=%22a%20b%22");
  EXPECT_EQ(data_of(64, head + parameter(667, text("a\"b\\"))), "16%20.%20key667=a%5C%22b%5C%5C");
  EXPECT_EQ(data_of(64, head + parameter(1, ByteBuffer{5} + text("h2 \"x"))),
            "16%20.%20alpn=%22h2%20%5C%22x%22");
  for (const ByteBuffer& bad :
       {parameter(1, {}), parameter(1, {5, 'h', '2'}), parameter(1, {0}), parameter(2, {1}),
        parameter(3, {1}), parameter(4, {1, 2, 3, 4, 5}), parameter(4, {}), parameter(6, {1}),
        parameter(0, be16(1)), parameter(0, {}), parameter(0, be16(0)),
        parameter(0, be16(1) + be16(1)) + alpn, parameter(3, be16(1)) + alpn, alpn + alpn}) {
    EXPECT_TRUE(has(answer_of(64, head + bad).anomalies, Anomaly::dns_rdata_invalid));
  }
}

// RFC 8490 §5.4.
TEST(DnsMessageTest, ReadsStatefulOperations) {
  const ByteBuffer tlv = be16(1) + be16(8) + zeros(8);
  EXPECT_TRUE(parse_dns(header(0, 0, 0, 0, 0x3000) + tlv).anomalies.none());
  EXPECT_TRUE(parse_dns(header(0, 0, 0, 0, 0x3000) + be16(1) + be16(9) + zeros(8)).malformed);
}

// RFC 3597 §5.
TEST(DnsMessageTest, WritesUnknownAndBrokenDataGenerically) {
  EXPECT_EQ(data_of(65280, {0xde, 0xad}), "%5C#%202%20dead");
  const DnsMessage m = answer_of(1, {1, 2, 3});
  EXPECT_EQ(m.records[0].data, "%5C#%203%20010203");
  EXPECT_TRUE(has(m.anomalies, Anomaly::dns_rdata_invalid));
  EXPECT_FALSE(m.malformed) << "the message can still be read";
}

TEST(DnsMessageTest, EscapesHostileNames) {
  const ByteBuffer hostile = ByteBuffer{6, 'a', '.', '"', 0, 0xff, '%', 0};
  const DnsMessage m = parse_dns(header(1, 0, 0, 0, 0x100) + question(hostile));
  EXPECT_EQ(m.questions[0].name, "a%2E%22%00%FF%25");
  EXPECT_EQ(parse_dns(header(1) + question({0})).questions[0].name, ".");
}

TEST(DnsMessageTest, RefusesPointersThatDoNotGoBackwards) {
  for (const unsigned pointer : {0xc00cU, 0xc00dU, 0xc0ffU, 0xffffU}) {
    const DnsMessage m = parse_dns(header(1) + question(be16(pointer)));
    EXPECT_TRUE(m.malformed) << pointer;
    EXPECT_EQ(m.malformed_reason, Anomaly::dns_pointer_invalid);
    EXPECT_EQ(m.malformed_at, 12U);
  }
}

TEST(DnsMessageTest, BoundsTheLengthOfNames) {
  ByteBuffer longest;
  for (int i = 0; i < 4; ++i) longest = longest + ByteBuffer{62} + ByteBuffer(62, 'a');
  EXPECT_FALSE(parse_dns(header(1) + question(longest + ByteBuffer{1, 'b', 0})).malformed)
      << "255 bytes";
  const DnsMessage m = parse_dns(header(1) + question(longest + ByteBuffer{2, 'b', 'b', 0}));
  EXPECT_EQ(m.malformed_reason, Anomaly::dns_name_too_long);
}

TEST(DnsMessageTest, ReadsEdnsAndTheExtendedRcode) {
  const ByteBuffer opt = ByteBuffer{0} + be16(41) + be16(1232) + ByteBuffer{1, 0, 0x80, 0} +
                         be16(8) + be16(10) + be16(4) + be32(0x01020304);
  const DnsMessage m = parse_dns(header(1, 0, 0, 1) + question(name("x")) + opt);
  ASSERT_TRUE(m.edns.present);
  EXPECT_TRUE(m.edns.dnssec_ok);
  EXPECT_EQ(m.edns.udp_size, 1232);
  EXPECT_EQ(m.rcode(), 16);
  EXPECT_EQ(dns_rcode_name(m.rcode()), "BADVERS");
  ASSERT_EQ(m.edns.options.size(), 1U);
  EXPECT_EQ(m.edns.options[0].code, 10);
}

TEST(DnsMessageTest, TruncationAtEveryByteIsMalformedWithAnOffsetInside) {
  const ByteBuffer whole = header(1, 2, 0, 1) + question(name("www.example.com")) +
                           record(to_question, 1, {1, 2, 3, 4}) +
                           record(to_question, 15, be16(1) + to_question) + ByteBuffer{0} +
                           be16(41) + be16(512) + be32(0) + be16(0);
  ASSERT_FALSE(parse_dns(whole).malformed);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const ByteBuffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    const DnsMessage m = parse_dns(cut);
    EXPECT_TRUE(m.malformed) << n;
    EXPECT_LE(m.malformed_at, n);
  }
}

TEST(DnsMessageTest, NamesBytesBehindTheEnd) {
  EXPECT_TRUE(has(parse_dns(header(1) + question(name("x")) + ByteBuffer{1}).anomalies,
                  Anomaly::dns_trailing_bytes));
}

TEST(DnsMnemonicsTest, UnknownCodesAreNumbered) {
  EXPECT_EQ(dns_type_name(28), "AAAA");
  EXPECT_EQ(dns_type_name(12345), "TYPE12345");
  EXPECT_EQ(dns_class_name(5), "CLASS5");
  EXPECT_EQ(dns_opcode_name(7), "OPCODE7");
  EXPECT_EQ(dns_rcode_name(3000), "RCODE3000");
}

// RFC 1002 §4.2.18: names of the node, their flags, then its hardware address.
TEST(NbnsTest, NodeStatusAndNames) {
  std::string out;
  EXPECT_TRUE(append_nbns_rdata(out,
                                ByteBuffer{1} + text("SERVER         ") + ByteBuffer{0x20, 4, 0} +
                                    ByteBuffer{0, 1, 2, 3, 4, 5} + zeros(40),
                                33));
  EXPECT_EQ(out, "SERVER<20>%200400%20000102030405");
  EXPECT_EQ(nbns_name("CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            "*%00%00%00%00%00%00%00%00%00%00%00%00%00%00<00>");
  EXPECT_EQ(nbns_name("FEEFFDFECACACACACACACACACACACAAA.scope"), "TEST<00>.scope");
  EXPECT_EQ(nbns_name("plain.example"), "plain.example");
  EXPECT_FALSE(append_nbns_rdata(out, ByteBuffer{200, 1}, 33));
  EXPECT_EQ(nbns_type_name(32), "NB");
  EXPECT_EQ(nbns_opcode_name(5), "REGISTRATION");
}

}  // namespace
}  // namespace dpi
