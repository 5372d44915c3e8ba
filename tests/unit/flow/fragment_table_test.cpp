#include "probe/flow/fragment_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

constexpr unsigned more = 0x2000;

class FragmentTableTest : public ::testing::Test {
 protected:
  // Bytes [from, to) of the datagram as one fragment.
  FragmentOutcome send(std::size_t from, std::size_t to, double seconds = 0, unsigned id = 1) {
    const ByteBuffer part(datagram_.begin() + static_cast<std::ptrdiff_t>(from),
                          datagram_.begin() + static_cast<std::ptrdiff_t>(to));
    return send_bytes(from, part, to < datagram_.size(), seconds, id);
  }
  FragmentOutcome send_bytes(std::size_t from, const ByteBuffer& part, bool has_more,
                             double seconds = 0, unsigned id = 1) {
    frames_.push_back(std::make_unique<Frame>(ethernet(
        0x0800,
        ipv4({.id = id, .fragment = static_cast<unsigned>(from / 8) | (has_more ? more : 0)},
             part))));
    view_ = decoded(*frames_.back()).view;
    EXPECT_TRUE(view_.fragment.present);
    return table_.add(view_, timestamp(static_cast<std::int64_t>(seconds * 1e9)));
  }

  ByteBuffer datagram_ = udp(5000, 53, text("0123456789abcdefghijklmnopqrstuvwxyz"));  // 44 bytes
  FragmentTable table_{FragmentLimits{}};
  std::vector<std::unique_ptr<Frame>> frames_;
  PacketView view_;  // of the last fragment
};

TEST_F(FragmentTableTest, CountsEveryFragmentUnderTheFirstOnesPorts) {
  EXPECT_EQ(send(0, 16).ports->dst, 53);
  EXPECT_EQ(send(16, 32).ports->dst, 53);
  const auto last = send(32, 44);
  EXPECT_EQ(last.ports->src, 5000);
  ASSERT_NE(last.datagram, nullptr);
  EXPECT_EQ(as_text(last.datagram->payload), "0123456789abcdefghijklmnopqrstuvwxyz");
}

TEST_F(FragmentTableTest, HoldsFragmentsUntilTheFirstOneCame) {
  EXPECT_FALSE(send(32, 44).ports.has_value());
  EXPECT_FALSE(send(16, 32).ports.has_value());
  const auto first = send(0, 16);
  EXPECT_EQ(first.released.size(), 2U);
  ASSERT_NE(first.datagram, nullptr);
  EXPECT_EQ(as_text(first.datagram->payload), "0123456789abcdefghijklmnopqrstuvwxyz");
}

// RFC 4302 §2, §3.1: AH is part of what is fragmented, and later pieces name it as their protocol.
TEST(FragmentBehindHeadersTest, AnAuthenticatedDatagramIsPutTogether) {
  const ByteBuffer segment = udp(5000, 53, text("0123456789abcdefghijklmnop"));
  const ByteBuffer ah = ByteBuffer{ip_protocol::udp, 4} + zeros(22);
  const ByteBuffer options = ByteBuffer{ip_protocol::udp, 0, 1, 4, 0, 0, 0, 0};
  struct Case {
    bool v6;
    std::uint8_t first_header;
    ByteBuffer datagram;
  };
  for (const Case& c :
       {Case{false, ip_protocol::ah, ah + segment}, Case{true, ip_protocol::ah, ah + segment},
        Case{true, ip_protocol::destination_options, options + segment}}) {
    for (const bool backwards : {false, true}) {
      const auto piece = [&](std::size_t from, std::size_t to) {
        const bool last = to == c.datagram.size();
        const ByteBuffer bytes(c.datagram.begin() + static_cast<std::ptrdiff_t>(from),
                               c.datagram.begin() + static_cast<std::ptrdiff_t>(to));
        if (!c.v6) {
          return ethernet(0x0800,
                          ipv4({.protocol = c.first_header,
                                .fragment = static_cast<unsigned>(from / 8) | (last ? 0 : more)},
                               bytes));
        }
        return ethernet(0x86dd, ipv6(ip_protocol::fragment,
                                     ByteBuffer{c.first_header, 0} +
                                         be16(static_cast<unsigned>(from) | (last ? 0U : 1U)) +
                                         be32(7) + bytes));
      };
      const Frame first(piece(0, 40));
      const Frame second(piece(40, c.datagram.size()));
      FragmentTable table{FragmentLimits{}};
      PacketView view = decoded(backwards ? second : first).view;
      (void)table.add(view, timestamp(0));
      view = decoded(backwards ? first : second).view;
      const FragmentOutcome outcome = table.add(view, timestamp(1));
      ASSERT_NE(outcome.datagram, nullptr) << c.v6 << backwards;
      EXPECT_EQ(outcome.ports->dst, 53);
      EXPECT_EQ(view.protocol, ip_protocol::udp) << "both count in one flow";
      EXPECT_EQ(outcome.datagram->protocol, ip_protocol::udp);
      EXPECT_EQ(as_text(outcome.datagram->payload), "0123456789abcdefghijklmnop");
      EXPECT_LE(outcome.datagram->encapsulations.count, 1);
      for (const HeldFragment& held : outcome.released)
        EXPECT_EQ(held.view.protocol, ip_protocol::udp);
    }
  }
}

TEST_F(FragmentTableTest, TheBytesThatCameFirstStay) {
  (void)send(0, 16);
  (void)send(16, 32);
  ByteBuffer liar(16, 'X');
  (void)send_bytes(24, liar, true);  // overlaps 24–32, adds 32–40
  EXPECT_TRUE(has(view_.anomalies, Anomaly::fragment_overlap));
  const auto last = send_bytes(40, {'w', 'x', 'y', 'z'}, false);
  ASSERT_NE(last.datagram, nullptr);
  EXPECT_EQ(as_text(last.datagram->payload), "0123456789abcdefghijklmnXXXXXXXXwxyz");
}

// Pieces of any place and length, each with bytes of its own, until nothing is missing: every byte
// is that of the first piece that had it.
TEST_F(FragmentTableTest, AnyPiecesInAnyOrderGiveTheBytesThatCameFirst) {
  std::mt19937 random(1);  // the same ones each time
  const auto below = [&random](std::size_t n) { return random() % n; };
  constexpr std::size_t size = 128;
  for (unsigned id = 1; id <= 200; ++id) {
    std::array<std::optional<std::uint8_t>, size> first{};
    bool whole = false;
    for (std::uint8_t fill = 1; !whole; ++fill) {
      const std::size_t from = below(size / 8) * 8;
      const std::size_t to = std::min(size, from + 8 * (1 + below(4)));
      ByteBuffer part(to - from, fill);
      if (from == 0) std::copy_n(datagram_.begin(), 8, part.begin());  // ports stay the same
      const auto outcome = send_bytes(from, part, to < size, 0, id);
      for (std::size_t i = from; i < to; ++i)
        if (!first[i]) first[i] = part[i - from];
      whole = std::all_of(first.begin(), first.end(), [](const auto& b) { return b.has_value(); });
      ASSERT_EQ(outcome.datagram != nullptr, whole) << id;
      if (!whole) continue;
      ASSERT_EQ(outcome.datagram->l4.size(), size);
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(outcome.datagram->l4[i], *first[i]) << i;
    }
  }
}

TEST_F(FragmentTableTest, TheSameFragmentTwiceIsNoOverlap) {
  (void)send(0, 16);
  (void)send(0, 16);
  EXPECT_FALSE(has(view_.anomalies, Anomaly::fragment_overlap));
  (void)send(16, 32);
  (void)send_bytes(16, ByteBuffer(16, 'X'), true);
  EXPECT_TRUE(has(view_.anomalies, Anomaly::fragment_overlap)) << "other bytes are an attack";
}

TEST_F(FragmentTableTest, CountsDatagramsThatStayIncomplete) {
  (void)send(0, 16);
  (void)send(16, 32, 1, 2);
  (void)send(0, 16, 1, 3);
  (void)send(16, 44, 1, 3);
  (void)table_.expire(timestamp(40 * second));
  EXPECT_EQ(table_.take_incomplete(), 2U) << "the third one is whole";
  EXPECT_EQ(table_.take_incomplete(), 0U);
}

TEST_F(FragmentTableTest, GivesBackOrphansAfterTheTimeout) {
  (void)send(16, 32, 0);
  EXPECT_TRUE(table_.expire(timestamp(29 * second)).empty());
  EXPECT_EQ(table_.expire(timestamp(31 * second)).size(), 1U);
  EXPECT_TRUE(table_.finish().empty());
}

TEST_F(FragmentTableTest, AReusedIdentificationBeginsAnew) {
  (void)send(0, 24);
  ASSERT_NE(send(24, 44).datagram, nullptr);
  (void)send(0, 24);
  ASSERT_NE(send(24, 44).datagram, nullptr);
}

// Another first fragment before the last one was complete: its own ports from here on.
TEST_F(FragmentTableTest, AReusedIdentificationTakesOverFromAnIncompleteDatagram) {
  EXPECT_EQ(send(0, 16).ports->src, 5000);
  datagram_ = udp(6000, 53, zeros(36));
  EXPECT_EQ(send(0, 16).ports->src, 6000);
  EXPECT_EQ(send(16, 32).ports->src, 6000);
  ASSERT_NE(send(32, 44).datagram, nullptr);
}

TEST(FragmentLimitsTest, WaitingForFirstFragmentsIsBounded) {
  FragmentTable table({.held_max = 5});
  std::size_t counted = 0;
  for (unsigned i = 0; i < 20; ++i) {
    const Frame frame(ethernet(0x0800, ipv4({.id = 1, .fragment = i + 1 + more}, zeros(8))));
    PacketView view = decoded(frame).view;
    counted += table.add(view, timestamp(0)).ports.has_value() ? 1U : 0U;
  }
  EXPECT_EQ(counted, 15U);
  EXPECT_EQ(table.finish().size(), 5U);
}

TEST_F(FragmentTableTest, RefusesPastTheEndOf64KiBButCounts) {
  (void)send(0, 16);
  const auto far = send_bytes(65'528, ByteBuffer(64, 'A'), false);
  EXPECT_TRUE(has(view_.anomalies, Anomaly::fragment_oversize));
  EXPECT_TRUE(far.ports.has_value());
  EXPECT_EQ(far.datagram, nullptr);
}

TEST(FragmentLimitsTest, MemoryStaysBounded) {
  FragmentTable table(
      {.datagrams_max = 10, .bytes_max = 1000, .timeout = std::chrono::seconds{30}});
  std::size_t counted = 0;
  for (unsigned id = 0; id < 1000; ++id) {
    const Frame frame(
        ethernet(0x0800, ipv4({.id = id, .fragment = more}, udp(1, 2, ByteBuffer(200, 'x')))));
    PacketView view = decoded(frame).view;
    if (table.add(view, timestamp(0)).ports) ++counted;
    EXPECT_FALSE(has(view.anomalies, Anomaly::fragment_memory_full));
  }
  EXPECT_EQ(counted, 1000U);
  EXPECT_EQ(table.take_evicted(), 997U)
      << "of 208 bytes, and what a piece costs beside them, three fit";
}

// What a flood of first, middle or last fragments that nothing completes does to others.
class FragmentFloodTest : public ::testing::TestWithParam<unsigned> {
 protected:
  FragmentOutcome send(unsigned source, unsigned id, unsigned fragment, const ByteBuffer& part) {
    const auto src_last = static_cast<std::uint8_t>(source);
    frames_.push_back(std::make_unique<Frame>(
        ethernet(0x0800, ipv4({.src_last = src_last, .id = id, .fragment = fragment}, part))));
    PacketView view = decoded(*frames_.back()).view;
    FragmentOutcome out = table_.add(view, timestamp(0));
    given_up_ += out.given_up.size();
    return out;
  }
  std::size_t given_up_ = 0;
  FragmentTable table_{{.datagrams_max = 50, .bytes_max = 20'000, .held_max = 40}};
  std::vector<std::unique_ptr<Frame>> frames_;
};

TEST_P(FragmentFloodTest, EvictsItselfAndNobodyElse) {
  constexpr unsigned attacker = 66;
  const ByteBuffer whole = udp(5000, 53, zeros(36));
  const ByteBuffer one(whole.begin(), whole.begin() + 16);
  const ByteBuffer two(whole.begin() + 16, whole.end());
  std::size_t completed = 0;
  for (unsigned id = 0; id < 1000; ++id) {
    (void)send(1 + id % 5, id, more, one);
    for (unsigned junk = 0; junk < 3; ++junk)
      (void)send(attacker, 3 * id + junk, GetParam(), ByteBuffer(400, 'x'));
    completed += send(1 + id % 5, id, 2, two).datagram != nullptr ? 1U : 0U;
  }
  EXPECT_EQ(completed, 1000U);
  EXPECT_GT(table_.take_evicted(), 2800U);
  const bool waits = (GetParam() & 0x1fffU) != 0;
  EXPECT_EQ(given_up_ > 2800, waits) << "what waited for its first fragment is counted";
}

// The senders of a flood are made up: each of them holds less, as much or more than an honest one,
// whose pieces come soon behind each other.
struct MadeUpFlood {
  const char* shape;
  std::size_t bytes;        // of a junk fragment
  unsigned per_source;      // junk datagrams of one made-up source
  unsigned between_pieces;  // junk fragments between two pieces of an honest datagram
};

class MadeUpFloodTest : public ::testing::TestWithParam<MadeUpFlood> {
 protected:
  FragmentOutcome send(std::array<std::uint8_t, 4> src, unsigned id, unsigned fragment,
                       const ByteBuffer& part) {
    const auto frame = std::make_unique<Frame>(
        ethernet(0x0800, ipv4({.src_last = src[3], .id = id, .fragment = fragment}, part)));
    PacketView view = decoded(*frame).view;
    view.src = IpAddress::from_wire(src);
    return table_.add(view, timestamp(0));
  }
  FragmentTable table_{{.bytes_max = 2U << 20U}};
};

TEST_P(MadeUpFloodTest, CostsNobodyElseHisDatagrams) {
  const MadeUpFlood& flood = GetParam();
  const ByteBuffer whole = udp(53, 5000, zeros(3992));
  std::size_t completed = 0;
  unsigned junk = 0;
  const auto attack = [&] {
    for (unsigned i = 0; i < flood.between_pieces; ++i, ++junk) {
      const unsigned source = junk / flood.per_source;
      const std::array<std::uint8_t, 4> src{11, static_cast<std::uint8_t>(source >> 16U),
                                            static_cast<std::uint8_t>(source >> 8U),
                                            static_cast<std::uint8_t>(source)};
      (void)send(src, junk & 0xffffU, more + 1U, ByteBuffer(flood.bytes, 'x'));
    }
  };
  constexpr std::size_t piece = 1600;
  for (unsigned id = 0; id < 300; ++id) {
    for (std::size_t from = 0; from < whole.size(); from += piece) {
      attack();
      const std::size_t to = std::min(from + piece, whole.size());
      const ByteBuffer part(whole.begin() + static_cast<std::ptrdiff_t>(from),
                            whole.begin() + static_cast<std::ptrdiff_t>(to));
      const unsigned flags = static_cast<unsigned>(from / 8) | (to < whole.size() ? more : 0U);
      completed += send({192, 0, 2, 53}, id, flags, part).datagram != nullptr ? 1U : 0U;
    }
  }
  EXPECT_EQ(completed, 300U);
  EXPECT_GT(table_.take_evicted(), 1000U) << "it was a flood";
}

INSTANTIATE_TEST_SUITE_P(
    OfEachShape, MadeUpFloodTest,
    ::testing::Values(MadeUpFlood{"smaller", 800, 1, 30}, MadeUpFlood{"tiny", 8, 1, 200},
                      MadeUpFlood{"as large", 1600, 1, 30}, MadeUpFlood{"larger", 8000, 1, 30},
                      MadeUpFlood{"largest", 64'000, 1, 20}, MadeUpFlood{"a few each", 800, 4, 30},
                      MadeUpFlood{"one source, many", 400, 1'000'000, 30}),
    [](const auto& shape) {
      std::string name = shape.param.shape;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == ' ' || c == ','; }, '_');
      return name;
    });

INSTANTIATE_TEST_SUITE_P(OfEachKind, FragmentFloodTest, ::testing::Values(more, more + 100U, 100U));

}  // namespace
}  // namespace dpi
