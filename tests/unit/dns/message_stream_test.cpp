#include "probe/dns/message_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

const ByteBuffer stream_bytes = be16(3) + text("one") + be16(0) + be16(5) + text("three");

std::vector<std::string> drain(MessageStream& stream) {
  std::vector<std::string> out;
  while (const auto message = stream.next()) out.emplace_back(as_text(message->bytes));
  return out;
}

const std::vector<std::string> expected{"one", "", "three"};

TEST(MessageStreamTest, FindsMessagesHoweverTheyAreCutIntoSegments) {
  for (std::size_t size = 1; size <= stream_bytes.size(); ++size) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream_bytes.size(); at += size) {
      stream.add(static_cast<std::uint32_t>(at),
                 Bytes{stream_bytes}.subspan(at, std::min(size, stream_bytes.size() - at)));
      for (std::string& m : drain(stream)) got.push_back(std::move(m));
    }
    EXPECT_EQ(got, expected) << size;
  }
}

TEST(MessageStreamTest, PutsSegmentsInOrderAcrossTheSequenceWrap) {
  std::mt19937 random(3);  // NOLINT: repeatable
  std::vector<std::size_t> order(stream_bytes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int round = 0; round < 200; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0xfffffff8U);
    for (const std::size_t i : order)
      stream.add(0xfffffff8U + static_cast<std::uint32_t>(i), Bytes{stream_bytes}.subspan(i, 1));
    EXPECT_EQ(drain(stream), expected);
  }
}

TEST(MessageStreamTest, RepeatedAndOverlappingSegmentsChangeNothing) {
  StreamMemory memory(1U << 20U);
  MessageStream stream(memory);
  stream.start(0);
  stream.add(0, Bytes{stream_bytes}.first(6));
  stream.add(0, Bytes{stream_bytes}.first(6));
  stream.add(2, Bytes{stream_bytes}.subspan(2));
  EXPECT_EQ(drain(stream), expected);
}

TEST(MessageStreamTest, SkipsWhatNeverComesInsteadOfGrowing) {
  StreamMemory memory(1U << 20U);
  MessageStream stream(memory);
  stream.start(0);
  const ByteBuffer block(1000, 'x');
  AnomalySet found;
  for (std::uint32_t i = 1; i < 1000; ++i) {
    found |= stream.add(i * 1500, block);  // never in order
    (void)drain(stream);
    ASSERT_LE(memory.used(), 256U << 10U);
  }
  EXPECT_TRUE(has(found, Anomaly::stream_gap));
}

// Of dnsdist and its like, in front of a connection's first message.
TEST(MessageStreamTest, PassesOverAProxyHeaderHoweverItIsCutIntoSegments) {
  const ByteBuffer header = text(std::string_view{"\r\n\r\n\0\r\nQUIT\n", 12}) +
                            ByteBuffer{0x21, 0x11} + be16(12) + zeros(12);
  const ByteBuffer all = header + stream_bytes;
  for (std::size_t size = 1; size <= all.size(); ++size) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    std::vector<std::string> got;
    for (std::size_t at = 0; at < all.size(); at += size) {
      stream.add(static_cast<std::uint32_t>(at),
                 Bytes{all}.subspan(at, std::min(size, all.size() - at)));
      for (std::string& m : drain(stream)) got.push_back(std::move(m));
    }
    EXPECT_EQ(got, expected) << size;
  }
}

ByteBuffer framed(unsigned id) {
  const ByteBuffer message =
      be16(id) + be16(0x0100) + be16(1) + zeros(6) + ByteBuffer{1, 'a', 0} + be16(1) + be16(1);
  return be16(static_cast<unsigned>(message.size())) + message;
}

std::vector<unsigned> ids(MessageStream& stream) {
  std::vector<unsigned> out;
  while (const auto message = stream.next())
    out.push_back(message->bytes[0] * 256U + message->bytes[1]);
  return out;
}

TEST(MessageStreamTest, FallsIntoStepBehindAHoleThatWasAcknowledged) {
  StreamMemory memory(1U << 20U);
  MessageStream stream(memory);
  const ByteBuffer all = framed(1) + framed(2) + framed(3) + framed(4);
  const std::size_t size = framed(1).size();
  stream.start(0);
  stream.add(0, Bytes{all}.first(size));
  EXPECT_EQ(ids(stream), std::vector<unsigned>{1});
  // From the middle of the second on: the rest of it is of no message that can be read.
  const auto from = static_cast<std::uint32_t>(size + 7);
  stream.add(from, Bytes{all}.subspan(from));
  EXPECT_TRUE(ids(stream).empty()) << "it may still come";
  EXPECT_TRUE(stream.acknowledged(static_cast<std::uint32_t>(all.size()), timestamp(0), true));
  EXPECT_EQ(ids(stream), (std::vector<unsigned>{3, 4}));
}

// One acknowledgement of several holes: what lies between them is read, too.
TEST(MessageStreamTest, ReadsWhatLiesBetweenTheHolesOfOneAcknowledgement) {
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  for (const bool ends : {false, true}) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    for (const unsigned id : {1U, 3U, 5U, 6U, 9U}) stream.add((id - 1) * size, framed(id));
    std::vector<unsigned> got;
    do {
      for (const unsigned id : ids(stream)) got.push_back(id);
    } while (ends ? stream.ended() : stream.acknowledged(6 * size, timestamp(0), true));
    EXPECT_EQ(got,
              ends ? (std::vector<unsigned>{1, 3, 5, 6, 9}) : (std::vector<unsigned>{1, 3, 5, 6}));
  }
}

// A message behind a hole came when its own bytes did; where the hole is filled, only then.
TEST(MessageStreamTest, KnowsWhenWhatWaitedHadCome) {
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  for (const bool filled : {false, true}) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    stream.add(2 * size, framed(3), 0, timestamp(7));
    stream.add(size, framed(2), 0, timestamp(8));
    if (filled) {
      stream.add(0, framed(1), 0, timestamp(9));
    } else {
      EXPECT_TRUE(stream.acknowledged(3 * size, timestamp(10), true));
    }
    std::vector<std::optional<Timestamp>> came;
    while (const auto message = stream.next()) came.push_back(message->came_at);
    if (filled) {
      EXPECT_EQ(came, (std::vector<std::optional<Timestamp>>(3)));
    } else {
      EXPECT_EQ(came, (std::vector<std::optional<Timestamp>>{timestamp(8), timestamp(7)}));
    }
  }
}

// Taps of two ports may show a query behind its response, which has the hole read past.
TEST(MessageStreamTest, ReadsOnceWhatFillsAHoleThatWasReadPast) {
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  for (const std::uint32_t first : {0U, 0U - 2 * size}) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(first);
    stream.add(first + 3 * size, framed(4));
    EXPECT_TRUE(stream.acknowledged(first + 4 * size, timestamp(1), true));
    EXPECT_EQ(ids(stream), (std::vector<unsigned>{4}));
    stream.add(first + size, framed(2) + framed(3));
    EXPECT_EQ(ids(stream), (std::vector<unsigned>{2, 3}));
    stream.add(first, framed(1));
    EXPECT_EQ(ids(stream), (std::vector<unsigned>{1}));
    stream.add(first + size, framed(2));
    EXPECT_EQ(ids(stream), std::vector<unsigned>{}) << "sent again";
    stream.add(first + 3 * size, framed(4));
    EXPECT_EQ(ids(stream), std::vector<unsigned>{}) << "never was in a hole";
    stream.add(first + 4 * size, framed(5));
    EXPECT_EQ(ids(stream), (std::vector<unsigned>{5}));
  }
}

TEST(MessageStreamTest, ForgetsAHoleLongBeforeItsSequenceNumbersComeRound) {
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  for (const bool long_ago : {false, true}) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    stream.add(size, framed(2));
    EXPECT_TRUE(stream.acknowledged(2 * size, timestamp(1), true));
    EXPECT_EQ(ids(stream), (std::vector<unsigned>{2}));
    std::uint32_t at = 2 * size;
    while (long_ago && at < size + MessageStream::bytes_max) {
      stream.add(at, framed(7));
      EXPECT_EQ(ids(stream), (std::vector<unsigned>{7}));
      at += size;
    }
    stream.add(0, framed(1));
    EXPECT_EQ(ids(stream), long_ago ? std::vector<unsigned>{} : (std::vector<unsigned>{1}));
  }
}

TEST(MessageStreamTest, FallsIntoStepInTheMiddleHoweverItIsCutIntoSegments) {
  const ByteBuffer all = framed(1) + framed(2) + framed(3);
  for (std::size_t begin = 1; begin <= framed(1).size(); ++begin) {
    for (std::size_t size = 1; size <= all.size(); ++size) {
      StreamMemory memory(1U << 20U);
      MessageStream stream(memory);
      std::vector<unsigned> got;
      for (std::size_t at = begin; at < all.size(); at += size) {
        stream.add(static_cast<std::uint32_t>(at),
                   Bytes{all}.subspan(at, std::min(size, all.size() - at)));
        for (const unsigned id : ids(stream)) got.push_back(id);
      }
      ASSERT_EQ(got, (std::vector<unsigned>{2, 3})) << begin << " " << size;
    }
  }
}

// Taps of two ports show an acknowledgement before what it acknowledges.
TEST(MessageStreamTest, WaitsAMomentForWhatABareAcknowledgementTellsOf) {
  const ByteBuffer all = framed(1) + framed(2) + framed(3);
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  const auto end = static_cast<std::uint32_t>(all.size());
  for (const bool comes : {false, true}) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    stream.add(0, Bytes{all}.first(size));
    stream.add(2 * size, Bytes{all}.subspan(2 * size));
    EXPECT_EQ(ids(stream), std::vector<unsigned>{1});
    EXPECT_FALSE(stream.acknowledged(end, timestamp(1'000'000), false));
    EXPECT_FALSE(stream.acknowledged(end, timestamp(10'999'999), false));
    EXPECT_TRUE(ids(stream).empty());
    if (comes) {
      stream.add(size, Bytes{all}.subspan(size, size));
      EXPECT_EQ(ids(stream), (std::vector<unsigned>{2, 3}));
    } else {
      EXPECT_TRUE(stream.acknowledged(end, timestamp(11'000'000), false));
      EXPECT_EQ(ids(stream), std::vector<unsigned>{3});
    }
  }
}

TEST(MessageStreamTest, TellsWhatASnapLengthLeftOfAMessage) {
  const ByteBuffer all = framed(1) + framed(2) + framed(3);
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  for (std::uint32_t captured = 1; captured < size; ++captured) {
    for (const bool in_order : {false, true}) {
      StreamMemory memory(1U << 20U);
      MessageStream stream(memory);
      stream.start(0);
      if (!in_order) stream.add(2 * size, Bytes{all}.subspan(2 * size));
      stream.add(0, Bytes{all}.first(size));
      stream.add(size, Bytes{all}.subspan(size, captured), size - captured);
      if (in_order) stream.add(2 * size, Bytes{all}.subspan(2 * size));
      std::vector<std::size_t> got;
      while (const auto message = stream.next()) {
        EXPECT_EQ(message->wire_bytes, size - 2);
        got.push_back(message->bytes.size());
      }
      const std::size_t whole = size - 2;
      const std::vector<std::size_t> told =
          captured > 2 ? std::vector<std::size_t>{whole, captured - 2, whole}
                       : std::vector<std::size_t>{whole, whole};
      EXPECT_EQ(got, told) << captured << " " << in_order;
    }
  }
}

TEST(MessageStreamTest, FallsIntoStepBehindACutInsideOfSeveralMessages) {
  const ByteBuffer all = framed(1) + framed(2) + framed(3) + framed(4);
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  for (std::uint32_t captured = 1; captured < 2 * size; ++captured) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    // One segment ends in the third message; the rest of it comes in the next.
    const std::uint32_t end = 2 * size + 5;
    stream.add(0, Bytes{all}.first(captured), end - captured);
    stream.add(end, Bytes{all}.subspan(end));
    std::vector<unsigned> got;
    while (const auto message = stream.next()) {
      const bool whole = message->bytes.size() == message->wire_bytes;
      got.push_back(whole ? message->bytes[0] * 256U + message->bytes[1] : 0);
    }
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got.back(), 4U) << captured;
  }
}

// A capture with a snap length cuts each large segment, in whatever order they come.
TEST(MessageStreamTest, TellsWhatIsLeftOfMessagesThatAreCutOneBehindAnother) {
  const ByteBuffer all = framed(1) + framed(2) + framed(3) + framed(4);
  const auto size = static_cast<std::uint32_t>(framed(1).size());
  constexpr std::uint32_t captured = 9;
  std::array<std::uint32_t, 4> order{0, 1, 2, 3};
  do {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
    stream.start(0);
    std::vector<unsigned> got;
    for (const std::uint32_t i : order) {
      stream.add(i * size, Bytes{all}.subspan(i * std::size_t{size}, captured), size - captured);
      for (const unsigned id : ids(stream)) got.push_back(id);
    }
    ASSERT_EQ(got, (std::vector<unsigned>{1, 2, 3, 4})) << order[0] << order[1] << order[2];
  } while (std::ranges::next_permutation(order).found);
}

TEST(MessageStreamTest, HoldsSoManyCutsAndGoesOnBehindThem) {
  StreamMemory memory(1U << 20U);
  MessageStream stream(memory);
  stream.start(0);
  const ByteBuffer one = framed(1);
  const auto size = static_cast<std::uint32_t>(one.size());
  std::vector<unsigned> got;
  for (std::uint32_t i = 100; i-- > 0;) {
    stream.add(i * size, Bytes{one}.first(9), size - 9);
    for (const unsigned id : ids(stream)) got.push_back(id);
  }
  EXPECT_FALSE(got.empty());
  stream.add(100 * size, one);
  do {
    for (const unsigned id : ids(stream)) got.push_back(id);
  } while (stream.acknowledged(101 * size, timestamp(0), true));
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back(), 1U);
  stream.add(101 * size, one);
  EXPECT_EQ(ids(stream), std::vector<unsigned>{1}) << "in step again";
}

}  // namespace
}  // namespace dpi
