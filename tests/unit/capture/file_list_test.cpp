#include "capture/file_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace dpi {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class FileListTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "file_list_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void touch(const std::string& name) const { std::ofstream{folder_ / name} << 'x'; }
  fs::path folder_;
};

TEST_F(FileListTest, ReplacesDirectoryByItsFilesInByteOrder) {
  for (const char* name : {"b.pcap", "a.pcap", "B.pcap", "\xc3\xa9.pcap", ".hidden"}) touch(name);
  fs::create_directory(folder_ / "inner");
  touch("inner/c.pcap");
  fs::create_symlink("nowhere", folder_ / "dangling");
  const std::vector<std::string> arguments{"-", folder_.string(), "missing.pcap"};
  const auto files = list_capture_files(arguments);
  ASSERT_TRUE(files) << files.error().what;
  EXPECT_THAT(*files, ElementsAre("-", folder_ / "B.pcap", folder_ / "a.pcap", folder_ / "b.pcap",
                                  folder_ / "\xc3\xa9.pcap", "missing.pcap"));
}

TEST_F(FileListTest, NamesEmptyDirectory) {
  const auto files = list_capture_files(std::vector<std::string>{folder_.string()});
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Errc::input);
  EXPECT_THAT(files.error().what, HasSubstr(folder_.string() + ": holds no file"));
}

}  // namespace
}  // namespace dpi
