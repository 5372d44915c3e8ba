#include "probe/crypto/key_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace dpi {
namespace {

class KeyFileTest : public ::testing::Test {
 protected:
  KeyFileTest() {
    std::string pattern = "/tmp/dpi-key-file-test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ / "key.pem";
    first_ = SigningKey::generate(path_)->public_key().raw();
  }
  ~KeyFileTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string content() const {
    std::stringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }
  void write(const std::string& text) const {
    ::unlink(path_.c_str());
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), 0400);
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::array<std::uint8_t, 32> first_{};
};

TEST_F(KeyFileTest, TheNextKeyStandsBehindTheOneThatIsThere) {
  const auto next = add_next_key(path_);
  ASSERT_TRUE(next.has_value()) << next.error().what;
  const auto keys = SigningKey::read_all(path_);
  ASSERT_TRUE(keys.has_value()) << keys.error().what;
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->front().public_key().raw(), first_);
  EXPECT_EQ(keys->back().public_key().raw(), next->raw());
  EXPECT_NE(next->raw(), first_);
  EXPECT_EQ(SigningKey::read(path_)->public_key().raw(), next->raw()) << "the newest signs";
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0400U);
}

TEST_F(KeyFileTest, ASecondRotationWaitsForTheFirst) {
  ASSERT_TRUE(add_next_key(path_).has_value());
  const std::string before = content();
  const auto again = add_next_key(path_);
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().what.find("--finish"), std::string::npos) << again.error().what;
  EXPECT_EQ(content(), before);
}

TEST_F(KeyFileTest, OnlyTheNewKeyStays) {
  const auto next = add_next_key(path_);
  ASSERT_TRUE(drop_replaced_key(path_, *next));
  const auto keys = SigningKey::read_all(path_);
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_EQ(keys->front().public_key().raw(), next->raw());
  EXPECT_TRUE(drop_replaced_key(path_, *next)) << "said again it does no harm";
  EXPECT_TRUE(add_next_key(path_).has_value()) << "the next rotation may begin";
}

TEST_F(KeyFileTest, DropsNothingForAnotherKeyThanItHolds) {
  ASSERT_TRUE(add_next_key(path_).has_value());
  const std::string before = content();
  EXPECT_FALSE(drop_replaced_key(path_, SigningKey::random().public_key()));
  EXPECT_EQ(content(), before);
}

TEST_F(KeyFileTest, AnInterruptedChangeIsBegunAnew) {
  std::ofstream(path_.string() + ".new") << "half a ke";
  ASSERT_TRUE(add_next_key(path_).has_value());
  EXPECT_EQ(SigningKey::read_all(path_)->size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".new"));
}

TEST_F(KeyFileTest, OneChangeAtATime) {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);
  const auto refused = add_next_key(path_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("try again"), std::string::npos);
  ::close(fd);
  EXPECT_TRUE(add_next_key(path_).has_value());
}

TEST_F(KeyFileTest, AFileThatOthersMayReadIsNotChanged) {
  ASSERT_EQ(::chmod(path_.c_str(), 0444), 0);
  EXPECT_FALSE(add_next_key(path_).has_value());
}

// Cut anywhere, a file of two keys is that of one key at most, and never half of one.
TEST_F(KeyFileTest, AKeyThatIsNotWholeIsRefused) {
  ASSERT_TRUE(add_next_key(path_).has_value());
  const std::string whole = content();
  const std::size_t border = whole.find("-----BEGIN", 1);
  for (const std::size_t length : {border + 40, whole.size() - 40, whole.size() - 20}) {
    write(whole.substr(0, length));
    EXPECT_FALSE(SigningKey::read_all(path_).has_value()) << length;
  }
  write(whole.substr(0, border));
  EXPECT_EQ(SigningKey::read_all(path_)->size(), 1U);
}

TEST_F(KeyFileTest, MoreKeysThanARotationHasAreRefused) {
  ASSERT_TRUE(add_next_key(path_).has_value());
  write(content() + content());
  const auto refused = SigningKey::read_all(path_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("more than 2"), std::string::npos) << refused.error().what;
}

}  // namespace
}  // namespace dpi
