#include "probe/service/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace dpi {
namespace {

const LogEntry link_down{.level = LogLevel::warning,
                         .event = "capture",
                         .message = "rx0: it's \"down\"",
                         .fields = {{"interface", "rx0"}, {"why", "a=b"}, {"none", ""}}};

TEST(Log, PeopleReadASentence) {
  EXPECT_EQ(log_line(link_down, LogStyle::plain), "ransomeye-dpi: rx0: it's \"down\"");
}

TEST(Log, TheJournalGetsPriorityEventAndFields) {
  EXPECT_EQ(log_line(link_down, LogStyle::journal),
            R"(<4>event=capture message="rx0: it's \"down\"" interface=rx0 why="a=b" none="")");
}

TEST(Log, NothingHostileMakesASecondLineOrMovesTheCursor) {
  const LogEntry hostile{
      .event = "capture", .message = "a\nb\x1b[2J", .fields = {{"x", "\r\n<0>fake\\"}}};
  EXPECT_EQ(log_line(hostile, LogStyle::plain), "ransomeye-dpi: a b?[2J");
  EXPECT_EQ(log_line(hostile, LogStyle::journal),
            R"(<6>event=capture message="a\x0ab\x1b[2J" x="\x0d\x0a<0>fake\\")");
}

TEST(Log, TheStyleIsTheJournalsOnlyWhenStandardErrorIsTheNamedFile) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_EQ(log_style(), LogStyle::plain);
  struct stat error {};
  ASSERT_EQ(::fstat(STDERR_FILENO, &error), 0);
  const std::string stream = std::to_string(error.st_dev) + ":" + std::to_string(error.st_ino);
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  EXPECT_EQ(log_style(), LogStyle::journal);
  for (const char* const other : {"", "1", ":", "8:1", "8:", "x:y"}) {
    ::setenv("JOURNAL_STREAM", other, 1);
    EXPECT_EQ(log_style(), LogStyle::plain) << other;
  }
  ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace dpi
