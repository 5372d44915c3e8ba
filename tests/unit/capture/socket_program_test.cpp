#include "capture/af_packet/socket_program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "capture/bpf_filter.h"
#include "tests/support/bpf_machine.h"
#include "tests/unit/capture/capture_bytes.h"

namespace dpi {
namespace {

using test::BpfMachine;
using test::ByteWriter;
using test::KernelPacket;

constexpr std::uint16_t type_ipv4 = 0x0800;
constexpr std::uint16_t type_ipv6 = 0x86DD;
constexpr std::uint16_t type_vlan = 0x8100;
constexpr std::uint16_t type_qinq = 0x88A8;
constexpr std::uint16_t type_mpls = 0x8847;
constexpr std::uint16_t type_pppoe = 0x8864;
constexpr std::uint32_t packet_outgoing = 4;

ByteBuffer ipv4(std::uint32_t src, std::uint32_t dst, unsigned varies = 0) {
  return ByteWriter{ByteOrder::big}
      .u8(0x45)
      .u8(0)
      .u16(28)
      .u16(varies)
      .u16(varies & 0x3FFFU)
      .u8(64)
      .u8(17)
      .u16(0)
      .u32(src)
      .u32(dst)
      .u32(varies)
      .u32(0)
      .bytes();
}

ByteBuffer ipv6(std::uint32_t src, std::uint32_t dst, unsigned label = 0) {
  ByteWriter out{ByteOrder::big};
  out.u32(0x60000000 | label).u16(8).u8(17).u8(64);
  for (const std::uint32_t end : {src, dst}) out.u32(0x20010DB8).u32(0).u32(0).u32(end);
  return out.u64(0).bytes();
}

ByteBuffer behind(const ByteWriter& front, const ByteBuffer& packet) {
  ByteBuffer whole = front.bytes();
  whole.insert(whole.end(), packet.begin(), packet.end());
  return whole;
}

ByteBuffer behind_tag(std::uint16_t type, const ByteBuffer& packet) {
  return behind(ByteWriter{ByteOrder::big}.u16(100).u16(type), packet);
}

std::uint32_t hash(std::uint16_t protocol, const ByteBuffer& data) {
  const auto value =
      BpfMachine::run(fanout_program(), KernelPacket{.data = data, .protocol = protocol});
  EXPECT_TRUE(value) << "the kernel would refuse the program";
  return value.value_or(0);
}

TEST(FanoutProgramTest, IsTheSameForBothDirections) {
  EXPECT_EQ(hash(type_ipv4, ipv4(0x0A000001, 0x0A000002)),
            hash(type_ipv4, ipv4(0x0A000002, 0x0A000001)));
  EXPECT_EQ(hash(type_ipv6, ipv6(1, 0x20000)), hash(type_ipv6, ipv6(0x20000, 1)));
  EXPECT_NE(hash(type_ipv4, ipv4(0x0A000001, 0x0A000002)), 0U);
  EXPECT_NE(hash(type_ipv6, ipv6(1, 0x20000)), 0U);
}

TEST(FanoutProgramTest, KnowsNothingOfPortsFragmentsAndFlowLabels) {
  EXPECT_EQ(hash(type_ipv4, ipv4(1, 2, 0)), hash(type_ipv4, ipv4(1, 2, 0x2001)));
  EXPECT_EQ(hash(type_ipv6, ipv6(1, 2, 0)), hash(type_ipv6, ipv6(1, 2, 0xABCDE)));
}

TEST(FanoutProgramTest, LooksBehindTagsLabelsAndPppoe) {
  const ByteBuffer four = ipv4(0x0A000001, 0x0A000002);
  const ByteBuffer six = ipv6(1, 2);
  const std::uint32_t h4 = hash(type_ipv4, four);
  const std::uint32_t h6 = hash(type_ipv6, six);
  EXPECT_EQ(hash(type_vlan, behind_tag(type_ipv4, four)), h4);
  EXPECT_EQ(hash(type_qinq, behind_tag(type_vlan, behind_tag(type_ipv6, six))), h6);
  EXPECT_EQ(hash(0x9100, behind_tag(type_ipv6, six)), h6);
  ByteWriter labels{ByteOrder::big};
  for (unsigned depth = 1; depth <= 4; ++depth) {
    EXPECT_EQ(hash(type_mpls, behind(ByteWriter{labels}.u32(0x00010100), four)), h4) << depth;
    EXPECT_EQ(hash(type_mpls, behind(ByteWriter{labels}.u32(0x00010100), six)), h6) << depth;
    labels.u32(0x00020040);
  }
  const auto session = [](unsigned protocol) {
    return ByteWriter{ByteOrder::big}.u16(0x1100).u16(7).u16(48).u16(protocol);
  };
  EXPECT_EQ(hash(type_pppoe, behind(session(0x0021), four)), h4);
  EXPECT_EQ(hash(type_pppoe, behind(session(0x0057), six)), h6);
}

TEST(FanoutProgramTest, GivesZeroForWhatHasNoAddresses) {
  const ByteBuffer four = ipv4(1, 2);
  EXPECT_EQ(hash(0x0806, four), 0U);
  EXPECT_EQ(
      hash(type_vlan, behind_tag(type_vlan, behind_tag(type_vlan, behind_tag(type_ipv4, four)))),
      0U);
  EXPECT_EQ(hash(type_pppoe, behind(ByteWriter{ByteOrder::big}.u64(0xC021), four)), 0U);
  EXPECT_EQ(hash(type_mpls, behind(ByteWriter{ByteOrder::big}.u32(0x100), ByteBuffer(40, 0))), 0U);
}

TEST(FanoutProgramTest, GivesZeroWhenCutAnywhereInFrontOfTheLastAddress) {
  const ByteBuffer four = behind_tag(type_ipv4, ipv4(0x0A000001, 0x0A000002));
  const ByteBuffer six = ipv6(1, 2);
  constexpr std::size_t addresses_end_4 = 4 + 20;
  constexpr std::size_t addresses_end_6 = 40;
  for (std::size_t n = 0; n <= four.size(); ++n) {
    const std::uint32_t h =
        hash(type_vlan, ByteBuffer(four.begin(), four.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(h == 0, n < addresses_end_4) << n;
  }
  for (std::size_t n = 0; n <= six.size(); ++n) {
    const std::uint32_t h =
        hash(type_ipv6, ByteBuffer(six.begin(), six.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(h == 0, n < addresses_end_6) << n;
  }
}

TEST(FanoutProgramTest, ReadsSentPacketsFromTheirNetworkHeader) {
  const ByteBuffer four = ipv4(0x0A000001, 0x0A000002);
  const ByteBuffer whole = behind(ByteWriter{ByteOrder::big}.u64(0).u32(0).u16(type_ipv4), four);
  const KernelPacket sent{
      .data = whole, .protocol = type_ipv4, .packet_type = packet_outgoing, .network_offset = 14};
  EXPECT_EQ(BpfMachine::run(fanout_program(), sent), hash(type_ipv4, four));
}

// Regular address plans: sums, differences or XORs that are constant over all pairs.
TEST(FanoutProgramTest, SpreadsRegularAddressPlans) {
  constexpr std::uint32_t pairs = 1000;
  constexpr std::uint32_t sockets = 4;
  using Plan = std::pair<std::uint32_t, std::uint32_t> (*)(std::uint32_t);
  const std::array<Plan, 5> plans{
      [](std::uint32_t i) {
        return std::pair{0x0A000000 + i, 0x0A010000 + i};
      },
      [](std::uint32_t i) {
        return std::pair{0x0A000000 + i, 0x0A010000 - i};
      },
      [](std::uint32_t i) {
        return std::pair{0x0A000000 + i, std::uint32_t{0xC0A80001}};
      },
      [](std::uint32_t i) {
        return std::pair{0x0A000000 + (i << 8U), 0x0A000001 + (i << 8U)};
      },
      [](std::uint32_t i) {
        return std::pair{0x0A000000 + i, (0x0A000000 + i) ^ 0x00FF0000U};
      }};
  for (std::size_t p = 0; p < plans.size(); ++p) {
    std::array<unsigned, sockets> four{};
    std::array<unsigned, sockets> six{};
    for (std::uint32_t i = 0; i < pairs; ++i) {
      const auto [src, dst] = plans[p](i);
      ++four[hash(type_ipv4, ipv4(src, dst)) % sockets];
      ++six[hash(type_ipv6, ipv6(src, dst)) % sockets];
    }
    EXPECT_GT(*std::min_element(four.begin(), four.end()), pairs / sockets / 2) << "plan " << p;
    EXPECT_GT(*std::min_element(six.begin(), six.end()), pairs / sockets / 2) << "plan " << p;
  }
}

std::uint32_t verdict(const BpfProgram& program, const KernelPacket& packet) {
  const auto value = BpfMachine::run(program, packet);
  EXPECT_TRUE(value);
  return value.value_or(0);
}

TEST(CaptureProgramTest, KeepsAsMuchAsIsWanted) {
  EXPECT_EQ(verdict(capture_program({}, 96, false, true), {}), 96U);
  EXPECT_EQ(verdict({gate_instruction}, {}), 0U);
}

TEST(CaptureProgramTest, LeavesOutWhatThisHostSends) {
  const KernelPacket sent{.packet_type = packet_outgoing};
  EXPECT_EQ(verdict(capture_program({}, 96, true, true), sent), 0U);
  EXPECT_EQ(verdict(capture_program({}, 96, false, true), sent), 96U);
  EXPECT_EQ(verdict(capture_program({}, 96, true, true), KernelPacket{.packet_type = 3}), 96U);
}

TEST(CaptureProgramTest, FiltersUntaggedFramesAndPassesTaggedOnesOn) {
  const ByteBuffer udp =
      behind(ByteWriter{ByteOrder::big}.u64(0).u32(0).u16(type_ipv4), ipv4(1, 2));
  const auto filter = BpfFilter::instructions("tcp", LinkType{1}, 200);
  ASSERT_TRUE(filter) << filter.error().what;
  const BpfProgram program = capture_program(*filter, 200, true, true);
  EXPECT_EQ(verdict(program, {.data = udp}), 0U);
  EXPECT_EQ(verdict(program, {.data = udp, .tag_present = true}), 200U);
  EXPECT_EQ(verdict(capture_program(*filter, 200, true, false), {.data = udp, .tag_present = true}),
            0U);
  const auto other = BpfFilter::instructions("udp", LinkType{1}, 200);
  ASSERT_TRUE(other);
  EXPECT_EQ(verdict(capture_program(*other, 200, true, true), {.data = udp}), 200U);
}

TEST(BpfInstructionsTest, RefuseWhatTheLinkTypeDoesNotKnow) {
  EXPECT_EQ(BpfFilter::instructions("no such", LinkType{1}, 100).error().code, Errc::usage);
  EXPECT_FALSE(BpfFilter::instructions("type mgt", LinkType{1}, 100));
}

}  // namespace
}  // namespace dpi
