#include "probe/crypto/packet_protection.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dpi {
namespace {

ByteBuffer bytes(std::string_view text) {
  return *parse_hex(text);
}

template <std::size_t size>
std::array<std::uint8_t, size> fixed(std::string_view text) {
  std::array<std::uint8_t, size> out{};
  const ByteBuffer b = bytes(text);
  std::copy_n(b.begin(), size, out.begin());
  return out;
}

// RFC 4231 §4.3 and §4.7 (a key longer than a block).
TEST(PacketProtectionTest, HmacAgreesWithItsRfc) {
  EXPECT_EQ(hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const ByteBuffer key(131, 0xaa);
  EXPECT_EQ(
      hex(hmac_sha256(key, as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 9001 §A.1.
TEST(PacketProtectionTest, LabelsExpandAsQuicShows) {
  const Digest initial =
      hkdf_extract(bytes("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), bytes("8394c8f03e515708"));
  Digest secret{};
  hkdf_expand_label(initial, "client in", secret);
  EXPECT_EQ(hex(secret), "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
  AesKey key{};
  hkdf_expand_label(secret, "quic key", key);
  EXPECT_EQ(hex(key), "1f369613dd76d5467730efcbe3b1a22d");
}

// FIPS 197 §C.1.
TEST(PacketProtectionTest, EncryptsABlock) {
  EXPECT_EQ(hex(aes128_encrypt_block(fixed<16>("000102030405060708090a0b0c0d0e0f"),
                                     fixed<16>("00112233445566778899aabbccddeeff"))),
            "69c4e0d86a7b0430d8cdb78070b4c55a");
}

// The GCM specification's test case 4 (McGrew, Viega).
TEST(PacketProtectionTest, OpensWhatIsAuthenticAndNothingElse) {
  const AesKey key = fixed<16>("feffe9928665731c6d6a8f9467308308");
  const GcmNonce nonce = fixed<12>("cafebabefacedbaddecaf888");
  const ByteBuffer associated = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  ByteBuffer sealed = bytes(
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84"
      "aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47");
  ByteBuffer out(sealed.size() - gcm_tag_bytes);
  ASSERT_TRUE(aes128_gcm_open(key, nonce, associated, sealed, out));
  EXPECT_EQ(hex(out),
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e"
            "2449a6b525b16aedf5aa0de657ba637b39");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    sealed[i] ^= 1U;
    EXPECT_FALSE(aes128_gcm_open(key, nonce, associated, sealed, out)) << i;
    sealed[i] ^= 1U;
  }
}

}  // namespace
}  // namespace dpi
