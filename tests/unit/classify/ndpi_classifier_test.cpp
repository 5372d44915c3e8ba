#include <gtest/gtest.h>
#include <ndpi_api.h>

#include <random>

#include "probe/classify/classifier.h"
#include "tests/support/packets.h"

namespace dpi {
namespace {

using namespace test;  // NOLINT

class NdpiClassifierTest : public ::testing::Test {
 protected:
  NdpiClassifierTest() : classifier_(*open_ndpi_classifier({})) {}

  void inspect(const ByteBuffer& ip_packet) {
    const Frame frame(ethernet(0x0800, ip_packet));
    const PacketView view = decoded(frame).view;
    if (flow_.key.protocol == 0) {
      const DirectedKey directed = make_key(view, flow_ports(view));
      flow_.key = directed.key;
      flow_.initiator = directed.sender;
    }
    classifier_->inspect(flow_, view, view.time);
  }

  std::unique_ptr<Classifier> classifier_;
  Flow flow_;
};

TEST_F(NdpiClassifierTest, NamesTheApplicationAndThePacketThatDecided) {
  inspect(ipv4({.protocol = 6}, tcp({.flags = tcp_flag::syn})));
  inspect(ipv4({.protocol = 6},
               tcp({.seq = 1001, .ack = 1}, text("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"))));
  const Verdict v = classifier_->conclude(flow_);
  EXPECT_EQ(v.app, "HTTP");
  EXPECT_EQ(v.confidence, "DPI");
  EXPECT_EQ(v.decided_at_packet, 2U) << "the handshake counts, though nDPI does not see it";
}

TEST_F(NdpiClassifierTest, GuessesByPortWhenNothingWasSent) {
  inspect(ipv4({.protocol = 6}, tcp({.dst = 22, .flags = tcp_flag::syn})));
  const Verdict v = classifier_->conclude(flow_);
  EXPECT_EQ(v.app, "SSH");
  EXPECT_EQ(v.decided_at_packet, 0U);
}

TEST_F(NdpiClassifierTest, ASlotIsCleanForTheNextFlow) {
  inspect(ipv4({.protocol = 6},
               tcp({.seq = 1, .ack = 1}, text("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"))));
  (void)classifier_->conclude(flow_);
  flow_.key = {};
  inspect(ipv4({}, udp(40001, 40002, text("nothing known"))));
  EXPECT_EQ(classifier_->conclude(flow_).app, "Unknown");
}

// What crashes a careless caller: nDPI gets a packet of another protocol than its flow's, empty
// datagrams, cut packets.
TEST_F(NdpiClassifierTest, IsNeverHandedAPacketOfAnotherProtocol) {
  inspect(ipv4({.protocol = 6}, tcp({.dst = 443}, {0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0})));
  inspect(ipv4({}, udp(40000, 443, text("quic?"))));
  inspect(ipv4({}, udp(40000, 443, {})));
  SUCCEED() << (classifier_->conclude(flow_).app);
}

TEST_F(NdpiClassifierTest, SurvivesRandomPayloads) {
  std::mt19937 random(11);  // NOLINT: repeatable
  for (int round = 0; round < 2000; ++round) {
    flow_.key = {};
    flow_.slot = static_cast<std::uint32_t>(round % 7);
    for (int packet = 0; packet < 6; ++packet) {
      ByteBuffer payload(random() % 200);
      for (std::uint8_t& b : payload) b = static_cast<std::uint8_t>(random());
      constexpr std::array<unsigned, 8> ports{53, 80, 443, 22, 5060, 3478, 123, 6881};
      const unsigned port = ports[static_cast<std::size_t>(round) % ports.size()];
      inspect(round % 2 == 0 ? ipv4({}, udp(40000, port, payload))
                             : ipv4({.protocol = 6}, tcp({.dst = port}, payload)));
    }
    (void)classifier_->conclude(flow_);
  }
}

// nDPI 4.2 walks the questions of a message with a 16-bit offset that wraps near 64 KiB, and never
// ends; only a datagram put together from fragments, or a segment merged by the host, is that long.
TEST_F(NdpiClassifierTest, EndsWithPayloadsUpToTheLongestThatIpCarries) {
  ByteBuffer message{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  message.resize(65'507, 0xbf);  // labels of 191 bytes, as nDPI reads them, to the last byte
  for (const unsigned port : {53U, 5353U, 5355U, 443U, 1900U, 88U}) {
    for (const std::size_t bytes : {std::size_t{4095}, std::size_t{4096}, std::size_t{4097},
                                    std::size_t{32'768}, message.size()}) {
      const ByteBuffer part(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(bytes));
      PacketView view;  // as the fragment table hands it over: without an IP header of its own
      const ByteBuffer whole = udp(40000, port, part);
      view.ip_version = 4;
      view.protocol = 17;
      view.has_transport = true;
      view.l4 = whole;
      view.payload = Bytes{whole}.subspan(8);
      flow_.key = {};
      flow_.key.protocol = 17;
      ++flow_.slot;
      classifier_->inspect(flow_, view, view.time);
      (void)classifier_->conclude(flow_);
      flow_.key = {};
      inspect(ipv4(
          {.protocol = 6},
          tcp({.dst = port, .seq = 1, .ack = 1},
              ByteBuffer(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(
                                                          std::min<std::size_t>(bytes, 65'000))))));
      (void)classifier_->conclude(flow_);
    }
  }
}

// Labels must not depend on other flows: nDPI's caches answer "not found", because ours are the
// functions called.
TEST(NdpiIsolationTest, TheLibrarysCacheLookupsAreOurs) {
  ndpi_lru_cache* const cache = ndpi_lru_cache_init(16);
  ndpi_lru_add_to_cache(cache, 5, 7);
  std::uint16_t value = 0;
  EXPECT_EQ(ndpi_lru_find_cache(cache, 5, &value, 0), 0) << "nDPI's own would find it";
  ndpi_lru_free_cache(cache);
}

// The same through nDPI itself: one BitTorrent flow must not label an unrelated flow between the
// same hosts.
TEST(NdpiIsolationTest, AFlowBeforeDoesNotLabelTheNext) {
  const auto label_after = [](bool bittorrent_before) {
    auto classifier = *open_ndpi_classifier({});
    const auto run = [&](std::uint32_t slot, unsigned src, unsigned dst,
                         const ByteBuffer& payload) {
      const Frame frame(ethernet(
          0x0800,
          ipv4({.protocol = 6}, tcp({.src = src, .dst = dst, .seq = 1, .ack = 1}, payload))));
      const PacketView view = decoded(frame).view;
      Flow flow;
      flow.slot = slot;
      const DirectedKey directed = make_key(view, flow_ports(view));
      flow.key = directed.key;
      flow.initiator = directed.sender;
      for (int i = 0; i < 20; ++i) classifier->inspect(flow, view, view.time);
      return std::string{classifier->conclude(flow).app};
    };
    if (bittorrent_before)
      run(0, 50001, 51413, ByteBuffer{19} + text("BitTorrent protocol") + zeros(48));
    return run(1, 50001, 51413, text("something else entirely, without any pattern"));
  };
  EXPECT_EQ(label_after(true), label_after(false));
}

}  // namespace
}  // namespace dpi
