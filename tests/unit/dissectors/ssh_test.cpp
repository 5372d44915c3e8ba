#include "dissectors/ssh/ssh.h"

#include <gtest/gtest.h>

#include "tests/support/tls.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

const ByteBuffer packet_bytes = [] {
  const ByteBuffer whole = kexinit_packet();
  return ByteBuffer(whole.begin() + 4, whole.end());
}();

TEST(SshTest, JoinsTheListsOfEachDirection) {
  const auto kexinit = parse_ssh_kexinit(packet_bytes);
  ASSERT_TRUE(kexinit.has_value());
  EXPECT_EQ(kexinit->client_to_server, "kex1,kex2;enc-cs;mac-cs;none");
  EXPECT_EQ(kexinit->server_to_client, "kex1,kex2;enc-sc;mac-sc;zlib");
}

TEST(SshTest, AMessageThatEndsInsideItsListsIsRefused) {
  ByteBuffer unpadded = packet_bytes;
  unpadded[0] = 0;
  const std::size_t lists_end = unpadded.size() - 6 - 5 - 8;  // padding, reserved, languages
  for (std::size_t n = 0; n < unpadded.size(); ++n) {
    const ByteBuffer cut(unpadded.begin(), unpadded.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(parse_ssh_kexinit(cut).has_value(), n >= lists_end) << n;
  }
}

TEST(SshTest, OtherMessagesAndTooMuchPaddingAreRefused) {
  ByteBuffer other = packet_bytes;
  other[1] = 21;
  EXPECT_FALSE(parse_ssh_kexinit(other).has_value());
  ByteBuffer padded = packet_bytes;
  padded[0] = 255;
  EXPECT_FALSE(parse_ssh_kexinit(padded).has_value());
}

}  // namespace
}  // namespace dpi
