#include "probe/crypto/signing_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace dpi {
namespace {

class SigningKeyFileTest : public ::testing::Test {
 protected:
  SigningKeyFileTest() {
    std::string pattern = "/tmp/dpi-key-test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ / "key.pem";
  }
  ~SigningKeyFileTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

// RFC 8032 §7.1, test 1.
TEST(SigningKeyTest, SignsAsRfc8032) {
  const auto key = SigningKey::from_seed(
      *parse_digest("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(hex(key.public_key().raw()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(hex(key.sign({})),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39"
            "701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  // The contract's vectors were signed with this key.
  EXPECT_EQ(hex(key.public_key().key_id()),
            "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9");
}

TEST(SigningKeyTest, SignsEveryMessageByItself) {
  const auto key = SigningKey::from_seed(Digest{});
  const Signature first = key.sign(as_bytes("one"));
  const Signature second = key.sign(as_bytes("two"));
  EXPECT_TRUE(key.public_key().verify(as_bytes("two"), second));
  EXPECT_FALSE(key.public_key().verify(as_bytes("two"), first));
  EXPECT_EQ(key.sign(as_bytes("one")), first);
}

TEST(PublicKeyTest, RefusesOtherAlgorithmsAndLengths) {
  const auto key = SigningKey::from_seed(Digest{});
  ByteBuffer spki = key.public_key().spki();
  ASSERT_TRUE(PublicKey::from_spki(spki).has_value());
  EXPECT_FALSE(PublicKey::from_spki(Bytes{spki}.first(43)).has_value());
  spki[8] = 0x71;  // the OID of Ed448
  EXPECT_FALSE(PublicKey::from_spki(spki).has_value());
}

TEST_F(SigningKeyFileTest, GeneratedKeyIsReadBackAndReadableByItsOwnerOnly) {
  const auto made = SigningKey::generate(path_);
  ASSERT_TRUE(made.has_value()) << made.error().what;
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0400U);
  const auto read = SigningKey::read(path_);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->public_key().raw(), made->public_key().raw());
}

TEST_F(SigningKeyFileTest, GenerateNeverOverwrites) {
  ASSERT_TRUE(SigningKey::generate(path_).has_value());
  const auto again = SigningKey::generate(path_);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::usage);
}

TEST_F(SigningKeyFileTest, RefusesAKeyThatOthersMayRead) {
  ASSERT_TRUE(SigningKey::generate(path_).has_value());
  for (const mode_t mode : {0440U, 0404U, 0600U | 0020U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const auto read = SigningKey::read(path_);
    ASSERT_FALSE(read.has_value()) << mode;
    EXPECT_NE(read.error().what.find("chmod 0400"), std::string::npos) << "the remedy is named";
  }
}

TEST_F(SigningKeyFileTest, RefusesASymbolicLink) {
  ASSERT_TRUE(SigningKey::generate(path_).has_value());
  const auto link = folder_ / "link.pem";
  std::filesystem::create_symlink(path_, link);
  EXPECT_FALSE(SigningKey::read(link).has_value());
}

TEST_F(SigningKeyFileTest, RefusesGarbageMissingAndFolder) {
  EXPECT_FALSE(SigningKey::read(path_).has_value());
  EXPECT_FALSE(SigningKey::read(folder_).has_value());
  std::ofstream(path_) << "garbage";
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_FALSE(SigningKey::read(path_).has_value());
}

TEST_F(SigningKeyFileTest, ReadsTheKeysOfABundle) {
  std::ofstream(path_) << SigningKey::from_seed(Digest{1}).public_key().pem()
                       << SigningKey::from_seed(Digest{2}).public_key().pem();
  const auto keys = PublicKey::read_pem_bundle(path_);
  ASSERT_TRUE(keys.has_value()) << keys.error().what;
  EXPECT_EQ(keys->size(), 2U);
}

}  // namespace
}  // namespace dpi
