// Without a server: what a hostile one may say, and files that are not what they must be. Real
// servers are in tests/integration/syslog.sh.
#include "probe/crypto/tls_client.h"

#include <gtest/gtest.h>

#include <fstream>

namespace dpi {
namespace {

TEST(TlsClient, SpeaksFirstAndNamesItsHost) {
  auto client = TlsClient::make({.host = "collector.example"});
  ASSERT_TRUE(client) << client.error().what;
  EXPECT_FALSE(client->ready());
  std::string hello;
  client->take(hello);
  ASSERT_GT(hello.size(), 100U);
  EXPECT_EQ(hello[0], 22);  // handshake
  EXPECT_NE(hello.find("collector.example"), std::string::npos);
  std::string more;
  client->take(more);
  EXPECT_EQ(more, "");
}

TEST(TlsClient, NamesNoAddress) {
  auto client = TlsClient::make({.host = "192.0.2.1"});
  ASSERT_TRUE(client);
  std::string hello;
  client->take(hello);
  EXPECT_EQ(hello.find("192.0.2.1"), std::string::npos);
}

TEST(TlsClient, RefusesWhatIsNoTls) {
  for (const std::string& said : {std::string{"HTTP/1.1 400 Bad Request\r\n\r\n"},
                                  std::string(5000, '\0'), std::string(70'000, '\x16')}) {
    auto client = TlsClient::make({.host = "a"});
    ASSERT_TRUE(client);
    const auto heard = client->received(said);
    ASSERT_FALSE(heard);
    EXPECT_EQ(heard.error().code, Errc::sink);
    EXPECT_FALSE(client->ready());
  }
}

TEST(TlsClient, WaitsForTheRestOfARecord) {
  auto client = TlsClient::make({.host = "a"});
  ASSERT_TRUE(client);
  EXPECT_TRUE(client->received(std::string_view{"\x16\x03\x03", 3}));
  EXPECT_FALSE(client->ready());
}

TEST(TlsClient, SaysWhichFileItCannotUse) {
  const std::string path = ::testing::TempDir() + "not-a-certificate.pem";
  std::ofstream(path) << "nothing";
  for (const TlsSettings& settings :
       {TlsSettings{.host = "a", .trust_file = path}, TlsSettings{.host = "a", .certificate = path},
        TlsSettings{.host = "a", .trust_file = "/no/such/file"}}) {
    const auto client = TlsClient::make(settings);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, Errc::usage);
    EXPECT_TRUE(client.error().what.starts_with("/")) << client.error().what;
  }
}

}  // namespace
}  // namespace dpi
