#include "probe/dns/message_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

const ByteBuffer stream_bytes = be16(3) + text("one") + be16(0) + be16(5) + text("three");

std::vector<std::string> drain(MessageStream& stream) {
  std::vector<std::string> out;
  while (const auto message = stream.next()) out.emplace_back(as_text(*message));
  return out;
}

const std::vector<std::string> expected{"one", "", "three"};

TEST(MessageStreamTest, FindsMessagesHoweverTheyAreCutIntoSegments) {
  for (std::size_t size = 1; size <= stream_bytes.size(); ++size) {
    StreamMemory memory(1U << 20U);
    MessageStream stream(memory);
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

TEST(MessageStreamTest, GivesUpInsteadOfGrowing) {
  StreamMemory memory(1U << 20U);
  MessageStream stream(memory);
  stream.start(0);
  const ByteBuffer block(1000, 'x');
  AnomalySet found;
  for (std::uint32_t i = 1; i < 1000; ++i) found |= stream.add(i * 500, block);  // never in order
  EXPECT_TRUE(stream.gave_up());
  EXPECT_TRUE(has(found, Anomaly::stream_gap));
  EXPECT_EQ(memory.used(), 0U);
}

}  // namespace
}  // namespace dpi
