#include "probe/stream/byte_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

ByteBuffer counted(std::size_t n) {
  ByteBuffer out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  return out;
}

class ByteStreamTest : public ::testing::Test {
 protected:
  void put(std::uint32_t sequence, Bytes bytes) { found_ |= stream_.add(sequence, bytes); }
  void put(std::uint32_t sequence, std::string_view s) { put(sequence, as_bytes(s)); }
  [[nodiscard]] std::string_view seen() const { return as_text(stream_.readable()); }

  StreamMemory memory_{1U << 20U};
  ByteStream stream_{memory_, 4096};
  AnomalySet found_;
};

TEST_F(ByteStreamTest, AnyOrderAcrossTheSequenceWrapGivesTheSameBytes) {
  const ByteBuffer bytes = counted(300);
  constexpr std::uint32_t start = 0xffffffc0U;
  std::mt19937 random(5);  // NOLINT: repeatable
  for (int round = 0; round < 300; ++round) {
    StreamMemory memory(1U << 20U);
    {
      ByteStream stream(memory, 4096);
      stream.start(start);
      AnomalySet found;
      for (int i = 0; i < 60; ++i) {
        const std::size_t at = random() % bytes.size();
        const std::size_t length = std::min<std::size_t>(1 + random() % 90, bytes.size() - at);
        found |=
            stream.add(start + static_cast<std::uint32_t>(at), Bytes{bytes}.subspan(at, length));
      }
      found |= stream.add(start, bytes);
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), stream.readable().begin(),
                             stream.readable().end()));
      EXPECT_TRUE(found.none());
    }
    EXPECT_EQ(memory.used(), 0U);
  }
}

TEST_F(ByteStreamTest, TheFirstCopyCountsAndTheOtherIsNamed) {
  stream_.start(0);
  put(0, "abc");
  EXPECT_TRUE(found_.none());
  put(1, "XXd");
  EXPECT_EQ(seen(), "abcd");
  EXPECT_TRUE(has(found_, Anomaly::stream_overlap_differs));
}

TEST_F(ByteStreamTest, TheFirstCopyCountsAmongWaitingSegmentsToo) {
  stream_.start(0);
  put(4, "ef");
  put(8, "ij");
  put(3, "dEFghIJk");  // covers both, and the holes around them
  EXPECT_TRUE(has(found_, Anomaly::stream_overlap_differs));
  put(0, "abc");
  EXPECT_EQ(seen(), "abcdefghijk");
}

TEST_F(ByteStreamTest, AKeepAliveByteIsNoOverlap) {
  stream_.start(0);
  put(0, "abc");
  put(2, std::string_view("\0", 1));
  EXPECT_TRUE(found_.none());
  EXPECT_EQ(seen(), "abc");
}

TEST_F(ByteStreamTest, WithoutASynASegmentThatEndsAtTheStartGoesInFront) {
  put(1000, "world");
  put(994, "hello ");
  EXPECT_EQ(seen(), "hello world");
  stream_.consume(1);
  put(993, "x");
  EXPECT_EQ(seen(), "ello world");
}

TEST_F(ByteStreamTest, WithASynNothingGoesInFront) {
  stream_.start(1000);
  put(994, "hello ");
  put(1000, "world");
  EXPECT_EQ(seen(), "world");
}

TEST_F(ByteStreamTest, SegmentsOutOfTheWindowAreNotTaken) {
  stream_.start(0);
  put(0, "a");
  put(0x7fff0000U, "far ahead");
  put(0x80010000U, "far behind");
  put(1, "b");
  EXPECT_EQ(seen(), "ab");
  EXPECT_FALSE(stream_.gave_up());
}

TEST_F(ByteStreamTest, TooMuchBehindAHoleIsAGap) {
  stream_.start(0);
  const ByteBuffer block(100, 'x');
  for (std::uint32_t i = 1; i < 60 && !stream_.gave_up(); ++i) put(i * 100, block);
  EXPECT_TRUE(stream_.gave_up());
  EXPECT_TRUE(has(found_, Anomaly::stream_gap));
  EXPECT_EQ(memory_.used(), 0U);
  put(0, block);
  EXPECT_TRUE(stream_.readable().empty());
}

TEST_F(ByteStreamTest, ManyTinySegmentsAreBoundedToo) {
  stream_.start(0);
  for (std::uint32_t i = 1; i < 2000 && !stream_.gave_up(); ++i) put(i * 2, "x");
  EXPECT_TRUE(has(found_, Anomaly::stream_gap));
}

TEST_F(ByteStreamTest, UnreadBytesAreBounded) {
  stream_.start(0);
  put(0, counted(4096));
  EXPECT_FALSE(stream_.gave_up());
  put(4096, "x");
  EXPECT_TRUE(has(found_, Anomaly::stream_memory_full));
  EXPECT_EQ(memory_.used(), 0U);
}

TEST_F(ByteStreamTest, ReadBytesMakeRoom) {
  stream_.start(0);
  const ByteBuffer block = counted(1000);
  for (std::uint32_t i = 0; i < 100; ++i) {
    put(i * 1000, block);
    ASSERT_EQ(stream_.readable().size(), 1000U);
    stream_.consume(1000);
  }
  EXPECT_TRUE(found_.none());
  EXPECT_LE(memory_.used(), 4096U);
}

TEST(StreamMemoryTest, AllStreamsTogetherAreBounded) {
  StreamMemory memory(1000);
  ByteStream a(memory, 4096);
  ByteStream b(memory, 4096);
  EXPECT_TRUE(a.add(0, counted(700)).none());
  EXPECT_TRUE(has(b.add(0, counted(700)), Anomaly::stream_memory_full));
  EXPECT_TRUE(b.gave_up());
  EXPECT_EQ(memory.used(), 700U);
}

TEST(StreamMemoryTest, WhoHoldsMostMakesRoomWithHisOldestStream) {
  const auto address = [](std::uint8_t last) {
    const std::array<std::uint8_t, 4> wire{10, 0, 0, last};
    return IpAddress::from_wire(wire);
  };
  StreamMemory memory(1000);
  ByteStream oldest(memory, 4096);
  ByteStream modest(memory, 4096);
  ByteStream newer(memory, 4096);
  memory.serve(address(1), 1);
  EXPECT_TRUE(modest.add(0, counted(200)).none());
  memory.serve(address(2), 2);
  EXPECT_TRUE(oldest.add(0, counted(300)).none());
  memory.serve(address(2), 3);
  EXPECT_TRUE(newer.add(0, counted(400)).none());
  ByteStream next(memory, 4096);
  memory.serve(address(3), 4);
  EXPECT_TRUE(next.add(0, counted(250)).none());
  EXPECT_TRUE(oldest.gave_up());
  EXPECT_TRUE(oldest.readable().empty());
  EXPECT_FALSE(modest.gave_up());
  EXPECT_FALSE(newer.gave_up());
  EXPECT_EQ(memory.used(), 850U);
  EXPECT_TRUE(has(oldest.add(300, counted(1)), Anomaly::stream_memory_full)) << "it says so, once";
  EXPECT_TRUE(oldest.add(301, counted(1)).none());
}

// A segment that waits costs more than its bytes.
TEST(StreamMemoryTest, SegmentsOfOneByteAreBoundedByWhatTheyCost) {
  StreamMemory memory(64U << 10U);
  std::vector<std::unique_ptr<ByteStream>> streams;
  for (unsigned i = 0; i < 100; ++i) {
    streams.push_back(std::make_unique<ByteStream>(memory, 4096));
    streams.back()->start(0);
    memory.serve({}, i);
    for (unsigned at = 2; at <= 200; at += 2) (void)streams.back()->add(at, counted(1));
  }
  EXPECT_LE(memory.used(), 64U << 10U);
  EXPECT_TRUE(streams.front()->gave_up()) << "10,000 pieces are no 64 KiB";
  EXPECT_FALSE(streams.back()->gave_up());
  (void)streams.back()->add(1, counted(1));
  for (unsigned at = 0; at < 200; at += 2)
    (void)streams.back()->add(at == 0 ? 0 : at + 1, counted(1));
  streams.clear();
  EXPECT_EQ(memory.used(), 0U) << "what was taken is given back";
}

// Somebody reads in them.
TEST(StreamMemoryTest, TheFlowAtHandIsNotEvicted) {
  StreamMemory memory(1000);
  memory.serve({}, 7);
  ByteStream outer(memory, 4096);
  ByteStream inner(memory, 4096);
  EXPECT_TRUE(outer.add(0, counted(800)).none());
  EXPECT_TRUE(has(inner.add(0, counted(300)), Anomaly::stream_memory_full));
  EXPECT_EQ(outer.readable().size(), 800U);
}

}  // namespace
}  // namespace dpi
