#include "probe/metadata/quic_session.h"

#include <gtest/gtest.h>

#include "tests/support/quic.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

const ByteBuffer first_id{0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
const ByteBuffer client_id{1, 2, 3};
const ByteBuffer server_id{9, 9, 9, 9};
const ByteBuffer client_hello = handshake(1, browser_hello_body());
const ByteBuffer server_hello =
    handshake(2, server_hello_body(0x1301, extension(43, be16(0x0304))));

Initial from_client() {
  return {.destination = first_id, .source = client_id, .key_id = first_id};
}
Initial from_server() {
  return {.destination = client_id, .source = server_id, .key_id = first_id, .client = false};
}
ByteBuffer part(const ByteBuffer& bytes, std::size_t from, std::size_t to) {
  return crypto_frame(from, {bytes.begin() + static_cast<std::ptrdiff_t>(from),
                             bytes.begin() + static_cast<std::ptrdiff_t>(to)});
}

class QuicSessionTest : public ::testing::Test {
 protected:
  ReadState client(const ByteBuffer& datagram) {
    return session_.read(Side::low, datagram, metadata_, found_);
  }
  ReadState server(const ByteBuffer& datagram) {
    return session_.read(Side::high, datagram, metadata_, found_);
  }
  StreamMemory memory_{1U << 20U};
  QuicSession session_{memory_};
  AppMetadata metadata_;
  AnomalySet found_;
};

// RFC 9001 §A.1 and RFC 9369 §A.1.
TEST(QuicKeysTest, AreThoseOfTheRfcs) {
  struct Row {
    std::uint32_t version;
    bool client;
    std::string_view key, iv, header;
  };
  for (const Row& row : {Row{1, true, "1f369613dd76d5467730efcbe3b1a22d",
                             "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
                         Row{1, false, "cf3a5331653c364c88f0f379b6067e37",
                             "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"},
                         Row{0x6b3343cf, true, "8b1a0bc121284290a29e0971b5cd045d",
                             "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
                         Row{0x6b3343cf, false, "82db637861d55e1d011f19ea71d5d2a7",
                             "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"}}) {
    const auto keys = quic_initial_keys(*find_quic_version(row.version), first_id, row.client);
    EXPECT_EQ(hex(keys.key), row.key);
    EXPECT_EQ(hex(keys.iv), row.iv);
    EXPECT_EQ(hex(keys.header), row.header);
  }
}

// RFC 9001 §A.3: the server's whole Initial.
TEST(QuicKeysTest, OpenTheServersInitialOfTheRfc) {
  const ByteBuffer packet = *parse_hex(
      "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554"
      "780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b"
      "562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee");
  const auto header = parse_quic_long_header(packet);
  ASSERT_TRUE(header.has_value());
  const auto keys = quic_initial_keys(*header->version, first_id, false);
  const auto frames = open_quic_initial(keys, *header);
  ASSERT_TRUE(frames.has_value());
  EXPECT_EQ(hex(*frames).substr(0, 20), "02000000000600405a02");
}

TEST_F(QuicSessionTest, ReadsBothHellos) {
  EXPECT_EQ(client(sealed_initial(from_client(), part(client_hello, 0, client_hello.size()))),
            ReadState::more);
  EXPECT_EQ(server(sealed_initial(from_server(), part(server_hello, 0, server_hello.size()))),
            ReadState::done);
  EXPECT_EQ(metadata_.server_name, "example.com");
  EXPECT_EQ(metadata_.ja4, "q" + std::string{browser_ja4.substr(1)});
  EXPECT_EQ(metadata_.alpn_offered, "h2,http/1.1");
  EXPECT_EQ(metadata_.tls_version, "TLSv1.3");
  EXPECT_EQ(metadata_.tls_cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_TRUE(found_.none());
}

TEST_F(QuicSessionTest, AClientHelloMayLieInPiecesInAnyOrder) {
  const std::size_t a = 100;
  const std::size_t b = 200;
  const std::size_t end = client_hello.size();
  Initial second = from_client();
  second.number = 1;
  EXPECT_EQ(client(sealed_initial(second, u8(1) + part(client_hello, b, end) + zeros(20) +
                                              part(client_hello, a / 2, a))),
            ReadState::more);
  EXPECT_EQ(metadata_.ja4, "");
  client(sealed_initial(from_client(), part(client_hello, a, b) + part(client_hello, 0, a / 2)));
  EXPECT_EQ(metadata_.ja4, "q" + std::string{browser_ja4.substr(1)});
}

TEST_F(QuicSessionTest, CoalescedPacketsAreRead) {
  const std::size_t half = client_hello.size() / 2;
  Initial second = from_client();
  second.number = 1;
  client(sealed_initial(from_client(), part(client_hello, 0, half)) +
         sealed_initial(second, part(client_hello, half, client_hello.size())));
  EXPECT_EQ(metadata_.server_name, "example.com");
}

TEST_F(QuicSessionTest, AServerMayAnswerInVersion2) {
  client(sealed_initial(from_client(), part(client_hello, 0, client_hello.size())));
  Initial answer = from_server();
  answer.version = quic_version::v2;
  server(sealed_initial(answer, part(server_hello, 0, server_hello.size())));
  EXPECT_EQ(metadata_.tls_cipher, "TLS_AES_128_GCM_SHA256");
}

TEST_F(QuicSessionTest, TheFirstRetryChangesTheKeysAndLaterOnesDoNot) {
  client(sealed_initial(from_client(), part(client_hello, 0, client_hello.size())));
  const auto retry = [](const ByteBuffer& id) {
    return u8(0xf0) + be32(1) + with_length8(client_id) + with_length8(id) + zeros(16);
  };
  const ByteBuffer chosen{7, 7, 7, 7, 7};
  server(retry(chosen));
  server(retry({6, 6, 6}));
  Initial answer = from_server();
  answer.key_id = chosen;
  server(sealed_initial(answer, part(server_hello, 0, server_hello.size())));
  EXPECT_EQ(metadata_.tls_cipher, "TLS_AES_128_GCM_SHA256");
}

TEST_F(QuicSessionTest, AReservedVersionIsProtectedAsAnother) {
  Initial probe = from_client();
  probe.version = 0x2a4a6a8a;
  probe.salt_of = 0xff00001d;
  client(sealed_initial(probe, part(client_hello, 0, client_hello.size())));
  EXPECT_EQ(metadata_.server_name, "example.com");
}

TEST_F(QuicSessionTest, PacketsThatDoNotOpenAreTriedABoundedNumberOfTimes) {
  ByteBuffer packet = sealed_initial(from_client(), part(client_hello, 0, 100));
  packet.back() ^= 1U;
  int tries = 0;
  while (tries < 1000 && client(packet) == ReadState::more) ++tries;
  EXPECT_LT(tries, 100);
  EXPECT_TRUE(metadata_.server_name.empty());
}

}  // namespace
}  // namespace dpi
