// The spool on a real file system: modes, lock, and a reader beside a live writer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/unit/spool/spool_fixture.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class PosixSpoolTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "spool_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    parent_ = name;
    folder_ = parent_ / "spool";
  }
  void TearDown() override { fs::remove_all(parent_); }

  [[nodiscard]] std::unique_ptr<SpoolWriter> open_writer(const SpoolOptions& options = {}) const {
    auto writer = SpoolWriter::open(folder_, test::spool_instance, options);
    EXPECT_TRUE(writer) << writer.error().what;
    return std::move(*writer);
  }
  static unsigned mode_of(const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions());
  }
  static void write_batch(SpoolWriter& writer, std::uint64_t records) {
    for (std::uint64_t i = 0; i < records; ++i) {
      const std::uint64_t seq = writer.next_seq();
      writer.append(seq, as_bytes(test::envelope_text(seq)), as_bytes(test::payload_text(seq)));
    }
    const auto committed = writer.commit(as_bytes("state"));
    ASSERT_TRUE(committed) << committed.error().what;
  }

  fs::path parent_;
  fs::path folder_;
};

TEST_F(PosixSpoolTest, KeepsOthersOut) {
  auto writer = open_writer();
  write_batch(*writer, 1);
  EXPECT_EQ(mode_of(folder_) & 0027U, 0U);
  EXPECT_EQ(mode_of(folder_ / segment_name(0)) & 0137U, 0U);
  const auto second = SpoolWriter::open(folder_, test::spool_instance);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::sink);
  EXPECT_THAT(second.error().what, HasSubstr((folder_ / "lock").string() + ": another process"));
}

TEST_F(PosixSpoolTest, SurvivesReopeningAndCutsATornTail) {
  auto writer = open_writer({.segment_bytes = 2000});
  for (int i = 0; i < 20; ++i) write_batch(*writer, 3);
  writer.reset();
  fs::path last;
  for (const auto& entry : fs::directory_iterator{folder_}) {
    if (parse_segment_name(entry.path().filename().string())) last = std::max(last, entry.path());
  }
  fs::resize_file(last, fs::file_size(last) - 1);
  writer = open_writer();
  EXPECT_EQ(writer->next_seq(), 57U);
  EXPECT_GT(writer->recovered_bytes_cut(), 0U);
}

TEST_F(PosixSpoolTest, NamesFolderWhoseParentIsMissing) {
  const auto writer = SpoolWriter::open(parent_ / "no" / "such", test::spool_instance);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Errc::sink);
  EXPECT_THAT(writer.error().what, HasSubstr("no/such: cannot be created: No such file"));
  EXPECT_THAT(writer.error().what, HasSubstr("create the folder above it"));
}

TEST_F(PosixSpoolTest, NamesFileInPlaceOfTheFolder) {
  auto writer = open_writer();
  const auto inside = SpoolWriter::open(folder_ / "lock", test::spool_instance);
  ASSERT_FALSE(inside);
  EXPECT_THAT(inside.error().what, HasSubstr("Not a directory"));
}

TEST_F(PosixSpoolTest, ReaderFollowsALiveWriter) {
  constexpr std::uint64_t batches = 400;
  auto writer = open_writer({.segment_bytes = 20'000, .sync = false});
  std::atomic<bool> failed = false;
  std::uint64_t seq = 0;
  std::thread shipper{[&] {
    auto reader = SpoolReader::open(folder_);
    std::uint64_t commits = 0;
    while (reader && commits < batches && !failed) {
      const auto batch = reader->next(writer->durable_commit());
      if (!batch) {
        ADD_FAILURE() << batch.error().what;
        failed = true;
      }
      if (!batch || !*batch) continue;
      ++commits;
      for (const SpoolRecord& record : (*batch)->records) {
        EXPECT_EQ(as_text(record.payload), test::payload_text(seq));
        ++seq;
      }
    }
  }};
  for (std::uint64_t i = 0; i < batches; ++i) write_batch(*writer, 1 + i % 5);
  shipper.join();
  EXPECT_FALSE(failed);
  EXPECT_EQ(seq, writer->next_seq());
}

}  // namespace
}  // namespace dpi
