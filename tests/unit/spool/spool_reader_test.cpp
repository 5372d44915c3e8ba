#include "probe/spool/spool_reader.h"

#include <gmock/gmock.h>

#include "tests/unit/spool/spool_fixture.h"

namespace dpi {
namespace {

using test::segment_path;
using test::spool_folder;
using testing::HasSubstr;

class SpoolReaderTest : public test::SpoolFixture {};

TEST_F(SpoolReaderTest, GivesEveryCommittedBatchAcrossSegments) {
  auto writer = open_writer(700);
  write(*writer, 20, 3);
  auto reader = open_reader();
  EXPECT_EQ(reader.instance(), test::spool_instance);
  EXPECT_EQ(expect_records(reader, 0), 60U);
}

TEST_F(SpoolReaderTest, GoesOnWhenMoreIsWritten) {
  auto reader = open_reader();
  EXPECT_FALSE(reader.next().value());
  EXPECT_FALSE(reader.instance());
  auto writer = open_writer(500);
  for (std::uint64_t round = 0; round < 30; ++round) {
    append(*writer, 2);
    EXPECT_FALSE(reader.next().value());
    ASSERT_TRUE(commit(*writer));
    EXPECT_EQ(expect_records(reader, round * 2), round * 2 + 2);
  }
}

TEST_F(SpoolReaderTest, HoldsBackWhatIsNotKnownToBeDurable) {
  auto writer = open_writer(600);
  write(*writer, 4, 2);
  auto reader = open_reader();
  EXPECT_FALSE(reader.next(0).value());
  EXPECT_EQ(reader.next(2).value()->commit, 1U);
  EXPECT_EQ(reader.next(2).value()->commit, 2U);
  EXPECT_FALSE(reader.next(2).value());
  EXPECT_EQ(reader.next(writer->durable_commit()).value()->commit, 3U);
}

TEST_F(SpoolReaderTest, SeeksTheBatchThatHoldsASequence) {
  auto writer = open_writer(600);
  write(*writer, 10, 3);
  auto reader = open_reader();
  for (std::uint64_t seq = 0; seq < 30; ++seq) {
    ASSERT_TRUE(reader.seek(seq));
    EXPECT_EQ(reader.next_seq(), seq / 3 * 3);
    EXPECT_EQ(test::copy_of(*reader.next().value()).first_seq, seq / 3 * 3);
  }
  ASSERT_TRUE(reader.seek(30));
  EXPECT_FALSE(reader.next().value());
  write(*writer, 1, 3);
  EXPECT_EQ(expect_records(reader, 30), 33U);
}

TEST_F(SpoolReaderTest, RefusesToSeekOutsideTheSpool) {
  auto writer = open_writer(1);
  write(*writer, 4, 2);
  auto reader = open_reader();
  const auto beyond = reader.seek(9);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, Errc::verification);
  EXPECT_THAT(beyond.error().what, HasSubstr("ends with sequence 8, expected 9"));
  ASSERT_TRUE(writer->retain(4, 0));
  const auto before = reader.seek(1);
  ASSERT_FALSE(before);
  EXPECT_THAT(before.error().what, HasSubstr("expected from 4 on"));
}

TEST_F(SpoolReaderTest, StopsCleanlyAtTornTailOfLastSegment) {
  auto writer = open_writer();
  write(*writer, 3, 2);
  writer.reset();
  ByteBuffer bytes = storage_.contents(segment_path(0));
  bytes.resize(bytes.size() - 3);
  storage_.set_contents(segment_path(0), bytes);
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 4U);
  EXPECT_GT(reader.tail_bytes().value(), 0U);
}

TEST_F(SpoolReaderTest, HasNoTailBehindWholeBatches) {
  auto writer = open_writer();
  write(*writer, 3, 2);
  writer.reset();
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 6U);
  EXPECT_EQ(reader.tail_bytes().value(), 0U);
}

void expect_error(SpoolReader reader, std::uint64_t batches_before, const std::string& text) {
  for (std::uint64_t i = 0; i < batches_before; ++i) ASSERT_TRUE(reader.next().value());
  for (int again = 0; again < 2; ++again) {
    const auto batch = reader.next();
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().code, Errc::verification);
    EXPECT_THAT(batch.error().what, HasSubstr(text));
  }
}

TEST_F(SpoolReaderTest, NamesDamageWithLaterBatchesBehindIt) {
  auto writer = open_writer();
  write(*writer, 1, 2);
  const std::size_t second = storage_.contents(segment_path(0)).size();
  write(*writer, 2, 2);
  ByteBuffer bytes = storage_.contents(segment_path(0));
  bytes[second + 60] ^= 1U;
  storage_.set_contents(segment_path(0), bytes);
  expect_error(open_reader(), 1, segment_path(0).string() + ": byte " + std::to_string(second));
}

TEST_F(SpoolReaderTest, NamesDamageInSegmentThatIsNotTheLast) {
  auto writer = open_writer(1);
  write(*writer, 3, 2);
  ByteBuffer bytes = storage_.contents(segment_path(2));
  bytes.back() ^= 1U;
  storage_.set_contents(segment_path(2), bytes);
  expect_error(open_reader(), 1, segment_path(2).string() + ": byte ");
}

TEST_F(SpoolReaderTest, NamesMissingSegment) {
  auto writer = open_writer(1);
  write(*writer, 4, 2);
  ASSERT_TRUE(storage_.remove(segment_path(4)));
  expect_error(open_reader(), 2, "continues with sequence 4, but the next segment begins with 6");
}

TEST_F(SpoolReaderTest, NamesSegmentOfAnotherHistory) {
  auto writer = open_writer(1);
  write(*writer, 3, 2);
  writer.reset();
  const ByteBuffer foreign = storage_.contents(segment_path(4));
  ASSERT_TRUE(set_aside_spool(spool_folder, storage_));
  writer = open_writer(1);
  append(*writer, 1);
  ASSERT_TRUE(commit(*writer));
  append(*writer, 3);
  ASSERT_TRUE(commit(*writer));
  storage_.set_contents(segment_path(4), foreign);
  expect_error(open_reader(), 2, "does not continue");
}

}  // namespace
}  // namespace dpi
