// Files that grow, over real ones: what a crash left in them is neither lost nor written twice.
#include "probe/store/append_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace dpi {
namespace {

const std::string first = "one\ntwo\n", later = "three\nfour\nfive\n";

class AppendFileTest : public ::testing::Test {
 protected:
  AppendFileTest() {
    std::string name = ::testing::TempDir() + "append-file.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "lines";
  }
  ~AppendFileTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] AppendFile open(std::string_view header = {}) const {
    auto file = AppendFile::open(path_.string(), header, "eve:PATH");
    EXPECT_TRUE(file.has_value()) << file.error().what;
    return std::move(*file);
  }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }
  void leave(const std::string& text) const { std::ofstream(path_, std::ios::app) << text; }
  AppendFile::Place written(const std::string& text) const {
    AppendFile file = open();
    file.lines() += text;
    const auto place = file.sync();
    EXPECT_TRUE(place.has_value());
    return *place;
  }

  std::filesystem::path folder_, path_;
};

TEST_F(AppendFileTest, LinesThatAreThereAreNotWrittenTwiceWhereverTheWriterWasStopped) {
  for (std::size_t had = 0; had <= later.size(); ++had) {
    for (const std::size_t at_once : {later.size(), std::size_t{6}}) {
      std::filesystem::remove(path_);
      const AppendFile::Place place = written(first);
      leave(later.substr(0, had));
      AppendFile file = open();
      ASSERT_TRUE(file.resume(place));
      file.lines() += later.substr(0, at_once);  // six bytes are a whole line
      ASSERT_TRUE(file.flush());
      file.lines() += later.substr(at_once);
      ASSERT_TRUE(file.close());
      EXPECT_EQ(text(), first + later) << had;
    }
  }
}

TEST_F(AppendFileTest, WhatSomebodyElseWroteStaysAndTheLinesStandBehindIt) {
  for (const std::string other : {"three\nother\n", "other", "thr", "three\nfour\nfive\nmore\n"}) {
    std::filesystem::remove(path_);
    const AppendFile::Place place = written(first);
    leave(other);
    AppendFile file = open();
    ASSERT_TRUE(file.resume(place));
    file.lines() += later;
    file.lines() += "six\n";
    ASSERT_TRUE(file.close());
    EXPECT_EQ(text().substr(0, first.size() + other.size()), first + other);
    std::string rest = text().substr(first.size());
    for (const std::string line : {"three\n", "four\n", "five\n", "six\n"})
      EXPECT_NE(("\n" + rest).find("\n" + line), std::string::npos) << other << ": " << line;
  }
}

TEST_F(AppendFileTest, AnotherFileOrAShorterOneIsAppendedTo) {
  const AppendFile::Place place = written(first);
  std::filesystem::rename(path_, folder_ / "moved");
  leave("new\n");
  {
    AppendFile file = open();
    ASSERT_TRUE(file.resume(place));
    file.lines() += later;
    ASSERT_TRUE(file.close());
  }
  EXPECT_EQ(text(), "new\n" + later);
  std::filesystem::rename(folder_ / "moved", path_);
  std::filesystem::resize_file(path_, 4);
  AppendFile file = open();
  ASSERT_TRUE(file.resume(place));
  file.lines() += later;
  ASSERT_TRUE(file.close());
  EXPECT_EQ(text(), "one\n" + later);
}

TEST_F(AppendFileTest, WhatAFailedSyncLeftIsWrittenAgain) {
  const AppendFile::Place place = written(first);
  leave("three\nfo");
  AppendFile file = open();
  ASSERT_TRUE(file.resume(place, AppendFile::Rest::doubtful));
  EXPECT_EQ(text(), first);
  file.lines() += later;
  ASSERT_TRUE(file.close());
  EXPECT_EQ(text(), first + later);
}

TEST_F(AppendFileTest, IsMadeAnewWithItsHeaderWhenItWasMovedAway) {
  AppendFile file = open("a,b\n");
  file.lines() += "1,2\n";
  ASSERT_TRUE(file.flush());
  std::filesystem::rename(path_, folder_ / "moved");
  file.lines() += "3,4\n";
  ASSERT_TRUE(file.reopen());
  file.lines() += "5,6\n";
  ASSERT_TRUE(file.close());
  EXPECT_EQ(text(), "a,b\n5,6\n");
  path_ = folder_ / "moved";
  EXPECT_EQ(text(), "a,b\n1,2\n3,4\n");
}

}  // namespace
}  // namespace dpi
