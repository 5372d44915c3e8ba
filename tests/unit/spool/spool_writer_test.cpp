#include "probe/spool/spool_writer.h"

#include <gmock/gmock.h>

#include "tests/unit/spool/spool_fixture.h"

namespace dpi {
namespace {

using test::Fault;
using test::segment_path;
using test::spool_folder;
using testing::HasSubstr;

class SpoolWriterTest : public test::SpoolFixture {};

TEST_F(SpoolWriterTest, ContinuesWhereTheLastCommitStopped) {
  {
    auto writer = open_writer();
    EXPECT_EQ(writer->next_seq(), 0U);
    EXPECT_TRUE(writer->last_state().empty());
    write(*writer, 3, 4);
    append(*writer, 2);  // never committed
  }
  auto writer = open_writer();
  EXPECT_EQ(writer->next_seq(), 12U);
  EXPECT_EQ(as_text(writer->last_state()), "state 12");
  EXPECT_EQ(writer->durable_commit(), 3U);
  EXPECT_EQ(writer->recovered_bytes_cut(), 0U);
  write(*writer, 2, 5);
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 22U);
}

TEST_F(SpoolWriterTest, KeepsStateAcrossSegmentWithoutCommit) {
  auto writer = open_writer(1);
  write(*writer, 2, 3);
  writer.reset();
  // As if the power went right behind the creation of the second segment.
  const ByteBuffer second = storage_.contents(segment_path(3));
  storage_.set_contents(segment_path(3), ByteBuffer(second.begin(), second.begin() + 64 + 7));
  writer = open_writer(1);
  EXPECT_EQ(writer->next_seq(), 3U);
  EXPECT_EQ(as_text(writer->last_state()), "state 3");
  write(*writer, 2, 3);
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 9U);
}

TEST_F(SpoolWriterTest, CommitsStateWithoutRecords) {
  auto writer = open_writer(1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(commit(*writer));
  write(*writer, 1, 2);
  EXPECT_EQ(writer->durable_commit(), 4U);
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 2U);
}

TEST_F(SpoolWriterTest, CutsTailTornAtAnyByte) {
  auto writer = open_writer();
  write(*writer, 2, 3);
  const std::size_t durable = storage_.contents(segment_path(0)).size();
  write(*writer, 1, 3);
  writer.reset();
  const ByteBuffer whole = storage_.contents(segment_path(0));
  for (std::size_t size = durable; size < whole.size(); ++size) {
    storage_.set_contents(
        segment_path(0),
        ByteBuffer(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    writer = open_writer();
    ASSERT_EQ(writer->next_seq(), 6U);
    EXPECT_EQ(writer->recovered_bytes_cut(), size - durable);
    EXPECT_EQ(storage_.contents(segment_path(0)).size(), durable);
    writer.reset();
  }
}

TEST_F(SpoolWriterTest, CutsLastBatchWithAnyBadByte) {
  auto writer = open_writer();
  write(*writer, 2, 2);
  const std::size_t durable = storage_.contents(segment_path(0)).size();
  write(*writer, 1, 2);
  writer.reset();
  const ByteBuffer whole = storage_.contents(segment_path(0));
  for (std::size_t at = durable; at < whole.size(); ++at) {
    ByteBuffer torn = whole;
    torn[at] ^= 0x40U;
    storage_.set_contents(segment_path(0), torn);
    ASSERT_EQ(open_writer()->next_seq(), 4U) << at;
  }
}

TEST_F(SpoolWriterTest, GoesOnBehindDamageAndSetsTheSegmentAside) {
  auto writer = open_writer();
  write(*writer, 1, 2);
  const std::size_t second = storage_.contents(segment_path(0)).size();
  write(*writer, 1, 2);
  const std::size_t third = storage_.contents(segment_path(0)).size();
  write(*writer, 1, 2);
  writer.reset();
  const ByteBuffer whole = storage_.contents(segment_path(0));
  const auto aside = spool_folder / "00000000000000000000.damaged";
  for (std::size_t at = second; at < third; ++at) {
    ByteBuffer damaged = whole;
    damaged[at] ^= 1U;
    storage_.set_contents(segment_path(0), damaged);
    for (int again = 0; again < 2; ++again) {
      writer.reset();
      writer = open_writer();
      EXPECT_EQ(writer->next_seq(), 6U);
      EXPECT_EQ(as_text(writer->last_state()), "state 6");
      EXPECT_EQ(storage_.contents(aside), damaged) << "evidence stays as it is";
      EXPECT_FALSE(storage_.exists(segment_path(0)));
    }
    write(*writer, 1, 1);
    EXPECT_EQ(writer->durable_commit(), 4U);
    writer.reset();
    ASSERT_TRUE(storage_.remove(segment_path(6)));
    ASSERT_TRUE(storage_.remove(aside));
  }
}

TEST_F(SpoolWriterTest, GoesOnBehindAHeaderThatDecayed) {
  auto writer = open_writer();
  write(*writer, 2, 1);
  writer.reset();
  ByteBuffer bytes = storage_.contents(segment_path(0));
  bytes[20] ^= 1U;
  storage_.set_contents(segment_path(0), bytes);
  writer = open_writer();
  EXPECT_EQ(writer->next_seq(), 2U);
}

TEST_F(SpoolWriterTest, RefusesASpoolOfWhichNothingIsLeftToGoOnFrom) {
  auto writer = open_writer();
  write(*writer, 1, 1);
  writer.reset();
  storage_.set_contents(segment_path(0), ByteBuffer(500, 7));
  const Error error = open_error();
  EXPECT_EQ(error.code, Errc::verification);
  EXPECT_THAT(error.what, HasSubstr("byte 0: no valid segment header"));
  EXPECT_EQ(storage_.contents(segment_path(0)), ByteBuffer(500, 7));
}

TEST_F(SpoolWriterTest, SetsSegmentsAsideThatAReaderFoundDamaged) {
  auto writer = open_writer(1);
  write(*writer, 3, 2);
  ASSERT_TRUE(writer->set_aside(2));
  ASSERT_TRUE(writer->set_aside(4)) << "the last too";
  ASSERT_TRUE(writer->set_aside(2)) << "again";
  write(*writer, 1, 2);
  EXPECT_TRUE(storage_.exists(spool_folder / "00000000000000000002.damaged"));
  EXPECT_TRUE(storage_.exists(spool_folder / "00000000000000000004.damaged"));
  EXPECT_TRUE(storage_.exists(segment_path(6)));
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 8U);
  ASSERT_TRUE(writer->retain(8, 0));
  EXPECT_FALSE(storage_.exists(segment_path(0)));
  EXPECT_TRUE(storage_.exists(spool_folder / "quarantine" / "00000000000000000002.damaged"));
  EXPECT_TRUE(storage_.exists(spool_folder / "quarantine" / "00000000000000000004.damaged"))
      << "never deleted";
}

TEST_F(SpoolWriterTest, RefusesAnotherInstancesSpool) {
  auto writer = open_writer();
  write(*writer, 1, 1);
  writer.reset();
  const auto other = SpoolWriter::open(spool_folder, Uuid{9}, {}, storage_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::sink);
  EXPECT_THAT(other.error().what,
              HasSubstr("belongs to instance 01020304-0506-0708-090a-0b0c0d0e0f10"));
}

TEST_F(SpoolWriterTest, RefusesSecondWriter) {
  auto writer = open_writer();
  const Error error = open_error();
  EXPECT_EQ(error.code, Errc::sink);
  EXPECT_THAT(error.what, HasSubstr("/spool/lock: another process writes this spool"));
}

TEST_F(SpoolWriterTest, RefusesEverythingAfterAFullDiskUntilReopened) {
  auto writer = open_writer();
  write(*writer, 2, 3);
  append(*writer, 3);
  storage_.plan(Fault::no_space, 1);
  const auto failed = commit(*writer);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::sink);
  EXPECT_THAT(failed.error().what,
              HasSubstr(segment_path(0).string() + ": cannot be written: No space left"));
  EXPECT_THAT(failed.error().what, HasSubstr("free space on that file system"));
  append(*writer, 1);
  EXPECT_EQ(commit(*writer).error().what, failed.error().what);
  writer.reset();
  writer = open_writer();
  EXPECT_EQ(writer->next_seq(), 6U);
  write(*writer, 1, 3);  // the same batch again
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 9U);
}

TEST_F(SpoolWriterTest, NeverSyncsAFileAgainAfterItFailed) {
  auto writer = open_writer();
  write(*writer, 2, 3);
  append(*writer, 3);
  storage_.plan(Fault::sync_error, 2);  // write, then sync
  const auto failed = commit(*writer);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().what, HasSubstr("cannot be synced"));
  EXPECT_FALSE(commit(*writer));
  writer.reset();
  writer = open_writer();
  EXPECT_EQ(writer->next_seq(), 6U);
}

TEST_F(SpoolWriterTest, CompletesShortWrites) {
  auto writer = open_writer();
  write(*writer, 1, 3);
  storage_.plan(Fault::short_write, 1);
  write(*writer, 1, 3);
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, 0), 6U);
}

TEST_F(SpoolWriterTest, RefusesCommitOverItsCapAndGoesOnWhenThereIsRoom) {
  auto opened = SpoolWriter::open(spool_folder, test::spool_instance,
                                  {.segment_bytes = 1000, .cap_bytes = 6000}, storage_);
  ASSERT_TRUE(opened);
  SpoolWriter& writer = **opened;
  Result<void> committed;
  while (committed) {
    append(writer, 4);
    committed = commit(writer);
  }
  EXPECT_EQ(committed.error().code, Errc::sink);
  EXPECT_THAT(committed.error().what, HasSubstr("/spool: the spool is full"));
  EXPECT_LE(writer.used_bytes(), 6000U);
  EXPECT_FALSE(commit(writer));
  const std::uint64_t deleted = writer.retain(writer.next_seq(), 0).value();
  EXPECT_GT(deleted, 0U);
  ASSERT_TRUE(commit(writer));
  auto reader = open_reader();
  EXPECT_EQ(expect_records(reader, reader.next_seq()), writer.next_seq());
}

TEST_F(SpoolWriterTest, DeletesOnlyWhollyAcknowledgedSegmentsBeyondWhatItKeeps) {
  auto writer = open_writer(1);  // every batch its own segment
  write(*writer, 6, 2);
  const std::uint64_t used = writer->used_bytes();
  EXPECT_EQ(writer->retain(5, 1U << 20U).value(), 0U);
  const std::uint64_t first_two =
      storage_.contents(segment_path(0)).size() + storage_.contents(segment_path(2)).size();
  EXPECT_EQ(writer->retain(5, 0).value(), first_two);
  EXPECT_EQ(writer->used_bytes(), used - first_two);
  EXPECT_FALSE(storage_.exists(segment_path(2)));
  EXPECT_TRUE(storage_.exists(segment_path(4)));
  ASSERT_TRUE(writer->retain(100, 0));
  EXPECT_TRUE(storage_.exists(segment_path(10)));  // the last stays
  writer.reset();
  EXPECT_EQ(open_writer()->next_seq(), 12U);
}

TEST_F(SpoolWriterTest, SetsADamagedSpoolAsideAndStartsAnew) {
  auto writer = open_writer(1);
  write(*writer, 3, 2);
  EXPECT_FALSE(set_aside_spool(spool_folder, storage_));  // the writer holds it
  writer.reset();
  const auto aside = set_aside_spool(spool_folder, storage_);
  ASSERT_TRUE(aside) << aside.error().what;
  EXPECT_EQ(*aside, spool_folder / "quarantine" / "spool-1");
  EXPECT_TRUE(storage_.exists(*aside / segment_name(4)));
  writer = open_writer();
  EXPECT_EQ(writer->next_seq(), 0U);
}

}  // namespace
}  // namespace dpi
