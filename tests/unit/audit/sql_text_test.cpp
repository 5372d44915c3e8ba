#include "probe/audit/sql_text.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

// What PostgreSQL 15 says of the same texts was asked of it.
TEST(SqlTextTest, ReadsUuidsInEveryFormOfTheServer) {
  const Uuid two{0, 0, 0, 0, 0, 0, 0x80, 0, 0x80, 0, 0, 0, 0, 0, 0, 0xab};
  for (const char* const text :
       {"00000000-0000-8000-8000-0000000000ab", "{00000000-0000-8000-8000-0000000000AB}",
        "000000000000800080000000000000ab", "0000-0000-0000-8000-8000-0000-0000-00AB",
        "000000000000-80008000-0000000000ab"})
    EXPECT_EQ(sql_uuid(text), two) << text;
  for (const char* const text :
       {"", "{00000000-0000-8000-8000-0000000000ab", "00000000-0000-8000-8000-0000000000ab}",
        "000000000000800080000000000000ab-", "-000000000000800080000000000000ab",
        " 00000000-0000-8000-8000-0000000000ab", "00000000--0000-8000-8000-0000000000ab",
        "000000000000800080000000000000a", "000-00000000080008000-0000000000ab", "{}"})
    EXPECT_EQ(sql_uuid(text), std::nullopt) << text;
}

TEST(SqlTextTest, ReadsHexadecimalAsDecodeDoes) {
  EXPECT_EQ(sql_hex("aabb"), (ByteBuffer{0xaa, 0xbb}));
  EXPECT_EQ(sql_hex("AA bb\n"), (ByteBuffer{0xaa, 0xbb}));
  EXPECT_EQ(sql_hex(""), ByteBuffer{});
  EXPECT_EQ(sql_hex("a abb"), std::nullopt);
  EXPECT_EQ(sql_hex("aab"), std::nullopt);
  EXPECT_EQ(sql_hex("ax"), std::nullopt);
}

TEST(SqlTextTest, ReadsAddressesOfHosts) {
  const ByteBuffer v4{192, 0, 2, 1};
  for (const char* const text : {"192.0.2.1", "192.0.2.1/32", "192.0.2.1/032", "192.0.2.01"})
    EXPECT_EQ(sql_host(text), v4) << text;
  ByteBuffer mapped(16);
  mapped[10] = mapped[11] = 0xff;
  std::copy(v4.begin(), v4.end(), mapped.begin() + 12);
  EXPECT_EQ(sql_host("::ffff:192.0.2.1"), mapped) << "stays IPv6";
  EXPECT_EQ(sql_host("::FFFF:c000:201/128"), mapped);
  for (const char* const text :
       {"", "10.1", "192.0.2.1/24", "192.0.2.1/", " 192.0.2.1", "192.0.2.1 ", "192.0.2.256",
        "192.0.2.1.1", "192.0.2.", "0x0a000001", "1::/64", "fe80::1%eth0", "1::2::3", ":"})
    EXPECT_EQ(sql_host(text), std::nullopt) << text;
}

}  // namespace
}  // namespace dpi
