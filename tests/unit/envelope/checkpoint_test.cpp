#include "probe/envelope/checkpoint.h"

#include <gtest/gtest.h>

namespace dpi {
namespace {

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() : key_(SigningKey::from_seed(seed(1))), other_(SigningKey::from_seed(seed(2))) {
    root_.fill(7);
    note_ = sign_checkpoint(instance_, 42, root_, key_);
  }
  static Digest seed(std::uint8_t byte) {
    Digest out{};
    out.fill(byte);
    return out;
  }
  Uuid instance_ = *parse_uuid("0192f0c1-7a00-8000-8000-00000000a001");
  Digest root_{};
  SigningKey key_;
  SigningKey other_;
  std::string note_;
};

TEST_F(CheckpointTest, SignsTheThreeLines) {
  const auto parsed = parse_checkpoint(note_);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->origin, "ransomeye.dpi/0192f0c1-7a00-8000-8000-00000000a001");
  EXPECT_EQ(parsed->tree_size, 42U);
  EXPECT_EQ(parsed->root, root_);
  EXPECT_TRUE(signed_by(*parsed, key_.public_key()));
  EXPECT_FALSE(signed_by(*parsed, other_.public_key()));
}

TEST_F(CheckpointTest, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < note_.size(); ++n)
    EXPECT_FALSE(parse_checkpoint(note_.substr(0, n)).has_value()) << n;
}

TEST_F(CheckpointTest, AnyChangedByteBreaksFormOrSignature) {
  for (std::size_t i = 0; i < note_.size(); ++i) {
    std::string changed = note_;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto parsed = parse_checkpoint(changed);
    EXPECT_FALSE(parsed && signed_by(*parsed, key_.public_key())) << i;
  }
}

TEST_F(CheckpointTest, AcceptsASecondSignatureLine) {
  const std::string second = sign_checkpoint(instance_, 42, root_, other_);
  const std::string both = note_ + second.substr(second.find("\n\n") + 2);
  const auto parsed = parse_checkpoint(both);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(signed_by(*parsed, key_.public_key()));
  EXPECT_TRUE(signed_by(*parsed, other_.public_key()));
}

TEST_F(CheckpointTest, RefusesASizeWithLeadingZeroOrSign) {
  for (const char* size : {"042", "+42", "-42", "42 ", ""}) {
    std::string changed = note_;
    changed.replace(changed.find("\n42\n") + 1, 2, size);
    EXPECT_FALSE(parse_checkpoint(changed).has_value()) << size;
  }
}

}  // namespace
}  // namespace dpi
