#include "probe/export/export_sink.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/export/events.h"

namespace dpi {
namespace {

namespace fs = std::filesystem;

class ExportSinkTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "dpi-export.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  static std::string text_of(const std::string& path) {
    std::ifstream in(path);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static void write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  static Result<void> give(EventSink& sink) {
    return sink.event(1, test_envelope("clock.step"), R"({"delta_us":-7,"synced_after":true})");
  }

  fs::path folder_;
};

TEST_F(ExportSinkTest, WritesAtACheckpoint) {
  auto sink = open_ecs_sink(path("ecs.json"));
  ASSERT_TRUE(sink);
  ASSERT_TRUE(give(**sink));
  ASSERT_TRUE((*sink)->checkpoint("", {}));
  EXPECT_NE(text_of(path("ecs.json")).find(R"("delta_us":-7)"), std::string::npos);
}

TEST_F(ExportSinkTest, AppendsToWhatIsThere) {
  write(path("ecs.json"), "{\"before\":1}\n");
  auto sink = open_ecs_sink(path("ecs.json"));
  ASSERT_TRUE(sink);
  ASSERT_TRUE(give(**sink));
  ASSERT_TRUE((*sink)->finish());
  EXPECT_TRUE(text_of(path("ecs.json")).starts_with("{\"before\":1}\n{\"@timestamp\""));
}

TEST_F(ExportSinkTest, BeginsALineOfItsOwnBehindAHalfOne) {
  write(path("ecs.json"), "{\"bef");
  auto sink = open_ecs_sink(path("ecs.json"));
  ASSERT_TRUE(sink);
  ASSERT_TRUE(give(**sink));
  ASSERT_TRUE((*sink)->finish());
  EXPECT_TRUE(text_of(path("ecs.json")).starts_with("{\"bef\n{\"@timestamp\""));
}

TEST_F(ExportSinkTest, GivesEveryRowAFileWithOneHeader) {
  for (int run = 0; run < 2; ++run) {
    auto sink = open_csv_sink(path("csv"));
    ASSERT_TRUE(sink);
    ASSERT_TRUE(give(**sink));
    ASSERT_TRUE((*sink)->finish());
  }
  const std::string rows = text_of(path("csv/clock_step.csv"));
  EXPECT_EQ(std::ranges::count(rows, '\n'), 3);
  EXPECT_EQ(rows.rfind("observed_at,instance"), 0U);
  EXPECT_EQ(std::ranges::count(text_of(path("csv/flow.csv")), '\n'), 1);
}

TEST_F(ExportSinkTest, RefusesAFileWithOtherColumns) {
  fs::create_directory(path("csv"));
  write(path("csv/flow.csv"), "src,dst\n1,2\n");
  const auto sink = open_csv_sink(path("csv"));
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, Errc::sink);
  EXPECT_EQ(text_of(path("csv/flow.csv")), "src,dst\n1,2\n");
}

TEST_F(ExportSinkTest, SaysWhatItCannotOpen) {
  const auto sink = open_eve_sink(path("no/such/folder.json"));
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error().what.find("eve:PATH"), std::string::npos);
}

TEST_F(ExportSinkTest, SaysThatADiskIsFull) {
  auto sink = open_ecs_sink("/dev/full");
  ASSERT_TRUE(sink);
  ASSERT_TRUE(give(**sink));
  EXPECT_FALSE((*sink)->checkpoint("", {}));
}

TEST_F(ExportSinkTest, WritesNothingOfAnEventThatIsNotCanonical) {
  auto sink = open_eve_sink(path("eve.json"));
  ASSERT_TRUE(sink);
  EXPECT_FALSE((*sink)->event(1, test_envelope("dpi.flow"), "{\"a\": 1}"));
  EXPECT_EQ(text_of(path("eve.json")), "");
}

}  // namespace
}  // namespace dpi
