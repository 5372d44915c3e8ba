#include "probe/base/hex.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

TEST(Base64Test, MatchesRfc4648Vectors) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "Zg=="},
                                                                   {"fo", "Zm8="},
                                                                   {"foo", "Zm9v"},
                                                                   {"foob", "Zm9vYg=="},
                                                                   {"fooba", "Zm9vYmE="},
                                                                   {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64(as_bytes(plain)), coded);
    const auto back = parse_base64(coded);
    ASSERT_TRUE(back.has_value()) << coded;
    EXPECT_EQ(as_text(*back), plain);
  }
}

TEST(Base64Test, RefusesWhatIsNotCanonical) {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "Zm9v\n", "Zm 9", "===="}) {
    EXPECT_FALSE(parse_base64(text).has_value()) << text;
  }
}

TEST(HexTest, RefusesUpperCaseAndOddLengths) {
  EXPECT_EQ(hex(as_bytes("\x01\xab")), "01ab");
  EXPECT_TRUE(parse_hex("01ab").has_value());
  EXPECT_FALSE(parse_hex("01AB").has_value());
  EXPECT_FALSE(parse_hex("01a").has_value());
  EXPECT_FALSE(parse_digest("00").has_value());
}

TEST(UuidTest, RoundTripsAndRefusesOtherForms) {
  const std::string_view text = "0192f0c1-7a00-8000-8000-00000000a001";
  const auto uuid = parse_uuid(text);
  ASSERT_TRUE(uuid.has_value());
  EXPECT_EQ(uuid_text(*uuid), text);
  EXPECT_FALSE(parse_uuid("0192F0C1-7a00-8000-8000-00000000a001").has_value());
  EXPECT_FALSE(parse_uuid("0192f0c17a008000800000000000a001----").has_value());
}

TEST(UuidTest, DigestBecomesVersion8) {
  Digest digest{};
  digest.fill(0xff);
  EXPECT_EQ(uuid_text(uuid_v8(digest)), "ffffffff-ffff-8fff-bfff-ffffffffffff");
}

}  // namespace
}  // namespace dpi
