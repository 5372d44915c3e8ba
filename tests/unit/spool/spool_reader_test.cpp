#include "probe/spool/spool_reader.h"

#include <gmock/gmock.h>

#include <set>

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

TEST_F(SpoolReaderTest, SeeksToTheNearestThatIsLeft) {
  auto writer = open_writer(1);
  write(*writer, 4, 2);
  auto reader = open_reader();
  ASSERT_TRUE(reader.seek(9));
  EXPECT_FALSE(reader.next().value()) << "it is still to come";
  EXPECT_EQ(reader.next_seq(), 8U);
  ASSERT_TRUE(writer->retain(4, 0));
  ASSERT_TRUE(reader.seek(1));
  EXPECT_EQ(reader.next().value()->first_seq, 4U);
  ASSERT_TRUE(reader.seek_newest());
  EXPECT_EQ(reader.next().value()->first_seq, 6U);
  EXPECT_TRUE(reader.damage().empty());
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

// What comes out of a damaged spool: "0-2 4+" are events 0 to 2 with their commits and 4 without.
std::string sound(SpoolReader& reader) {
  std::string out;
  for (;;) {
    const auto batch = reader.next();
    EXPECT_TRUE(batch) << batch.error().what;
    if (!batch || !*batch) return out;
    for (const SpoolRecord& record : (*batch)->records) {
      EXPECT_EQ(as_text(record.envelope), test::envelope_text(record.seq));
      EXPECT_EQ(as_text(record.payload), test::payload_text(record.seq));
    }
    if ((*batch)->whole) {
      EXPECT_EQ(as_text((*batch)->state), "state " + std::to_string((*batch)->next_seq));
    }
    if (!out.empty()) out += ' ';
    out += std::to_string((*batch)->first_seq) + "-" + std::to_string((*batch)->next_seq) +
           ((*batch)->whole ? "" : "+");
  }
}

TEST_F(SpoolReaderTest, StepsOverDamageAndNamesIt) {
  auto writer = open_writer();
  write(*writer, 1, 2);
  const std::size_t second = storage_.contents(segment_path(0)).size();
  write(*writer, 1, 3);
  const std::size_t third = storage_.contents(segment_path(0)).size();
  write(*writer, 1, 2);
  const ByteBuffer whole = storage_.contents(segment_path(0));
  std::set<std::string> found;
  for (std::size_t at = second; at < third; ++at) {
    ByteBuffer bytes = whole;
    bytes[at] ^= 1U;
    storage_.set_contents(segment_path(0), bytes);
    auto reader = open_reader();
    found.insert(sound(reader));
    ASSERT_FALSE(reader.damage().empty());
    EXPECT_TRUE(reader.damage()[0].in_bytes);
    EXPECT_THAT(reader.damage()[0].what,
                HasSubstr(segment_path(0).string() + ": byte " + std::to_string(second)));
  }
  EXPECT_EQ(found, (std::set<std::string>{"0-2 3-5 5-7", "0-2 2-3+ 4-5 5-7", "0-2 2-4+ 5-5 5-7",
                                          "0-2 2-5+ 5-7"}))
      << "one event is lost, or only the end of the batch";
}

TEST_F(SpoolReaderTest, StepsOverAHeaderThatDecayed) {
  auto writer = open_writer(1);
  write(*writer, 3, 2);
  ByteBuffer bytes = storage_.contents(segment_path(2));
  bytes[20] ^= 1U;
  storage_.set_contents(segment_path(2), bytes);
  auto reader = open_reader();
  EXPECT_EQ(sound(reader), "0-2 2-4 4-6");
  ASSERT_EQ(reader.damage().size(), 1U);
  EXPECT_THAT(reader.damage()[0].what, HasSubstr("byte 0: no valid segment header"));
}

TEST_F(SpoolReaderTest, StepsOverATruncatedSegmentThatIsNotTheLast) {
  auto writer = open_writer(1);
  write(*writer, 3, 2);
  ByteBuffer bytes = storage_.contents(segment_path(2));
  for (const std::size_t left : {bytes.size() - 1, std::size_t{70}, std::size_t{10}}) {
    bytes.resize(left);
    storage_.set_contents(segment_path(2), bytes);
    auto reader = open_reader();
    EXPECT_THAT(sound(reader), testing::StartsWith("0-2"));
    EXPECT_FALSE(reader.damage().empty());
    ASSERT_TRUE(reader.seek(3));
    EXPECT_THAT(sound(reader), testing::EndsWith("4-6"));
  }
}

TEST_F(SpoolReaderTest, StepsOverAMissingSegment) {
  auto writer = open_writer(1);
  write(*writer, 4, 2);
  ASSERT_TRUE(storage_.remove(segment_path(4)));
  auto reader = open_reader();
  EXPECT_EQ(sound(reader), "0-2 2-4 6-8");
  ASSERT_EQ(reader.damage().size(), 1U);
  EXPECT_FALSE(reader.damage()[0].in_bytes) << "no segment is to blame";
  EXPECT_THAT(reader.damage()[0].what,
              HasSubstr("continues with sequence 4, but the next segment begins with 6"));
  ASSERT_TRUE(reader.seek(5));
  EXPECT_EQ(sound(reader), "6-8");
}

// Its seqs are given again by what was written behind the last batch that counts.
TEST_F(SpoolReaderTest, ATornTailBehindDamageIsNotTaken) {
  auto writer = open_writer();
  write(*writer, 1, 2);
  const std::size_t second = storage_.contents(segment_path(0)).size();
  write(*writer, 3, 2);
  writer.reset();
  ByteBuffer bytes = storage_.contents(segment_path(0));
  bytes[second] ^= 1U;
  bytes.resize(bytes.size() - 1);
  storage_.set_contents(segment_path(0), bytes);
  writer = open_writer();
  EXPECT_EQ(writer->next_seq(), 6U) << "behind the last commit that is intact";
  write(*writer, 1, 3);
  auto reader = open_reader();
  EXPECT_EQ(sound(reader), "0-2 3-4 4-6 6-9");
}

// Damage in front of what is durable, and two more anywhere behind it: in records, in COMMITs, in
// the last batch. A number that was read is never given again.
TEST_F(SpoolReaderTest, ReadsBehindDamageWhatTheWriterGoesOnFrom) {
  auto writer = open_writer();
  write(*writer, 1, 2);
  const std::size_t second = storage_.contents(segment_path(0)).size();
  write(*writer, 2, 2);
  const std::size_t fourth = storage_.contents(segment_path(0)).size();
  write(*writer, 1, 3);
  writer.reset();
  const ByteBuffer whole = storage_.contents(segment_path(0));
  constexpr std::size_t stride = 41;  // below a record's head
  for (std::size_t one = second + 1; one < whole.size(); one += stride) {
    for (std::size_t two = std::max(one + 1, fourth); two < whole.size(); two += stride) {
      ByteBuffer bytes = whole;
      for (const std::size_t at : {second, one, two}) bytes[at] ^= 1U;
      storage_.set_contents(segment_path(0), bytes);
      auto before = open_reader();
      const std::string read = sound(before);
      writer = open_writer();
      const std::string next = std::to_string(writer->next_seq());
      write(*writer, 1, 1);
      auto after = open_reader();
      ASSERT_EQ(sound(after), read + " " + next + "-" + std::to_string(writer->next_seq()))
          << one << " " << two;
      writer.reset();
      const auto files = list_segments(storage_, spool_folder);
      ASSERT_TRUE(files);
      for (const SegmentFile& file : *files) ASSERT_TRUE(storage_.remove(file.path));
    }
  }
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
  auto reader = open_reader();
  EXPECT_EQ(sound(reader), "0-1 1-4 4-6");
  ASSERT_EQ(reader.damage().size(), 1U);
  EXPECT_THAT(reader.damage()[0].what, HasSubstr("does not continue"));
}

// A disk that refuses is no damage: what it does not give now it may give later.
TEST_F(SpoolReaderTest, AReadErrorSkipsNothing) {
  auto writer = open_writer(1);
  write(*writer, 3, 2);
  auto reader = open_reader();
  EXPECT_TRUE(reader.next().value());
  storage_.reads_fail = true;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(reader.next());
  storage_.reads_fail = false;
  EXPECT_EQ(sound(reader), "2-4 4-6");
  EXPECT_TRUE(reader.damage().empty());
}

}  // namespace
}  // namespace dpi
