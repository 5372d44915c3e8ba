#include "probe/envelope/envelope.h"

#include <gtest/gtest.h>

#include "probe/crypto/digest.h"
#include "probe/envelope/sealer.h"

namespace dpi {
namespace {

Identity identity() {
  return {.instance = *parse_uuid("0192f0c1-7a00-8000-8000-00000000a001"),
          .machine = *parse_uuid("6f1f4f0c-3b44-4b1e-9d0b-0a5b8c6d7e8f"),
          .boot = *parse_uuid("2b1e0f6a-9c7d-4e21-8a55-1f2e3d4c5b6a"),
          .hostname = "sensor-01.example",
          .version = "1.0.0",
          .mode = Mode::live};
}

SigningKey test_key(std::uint8_t byte) {
  Digest seed{};
  seed.fill(byte);
  return SigningKey::from_seed(seed);
}

constexpr std::string_view dns_payload =
    R"({"dst_ip":"10.0.0.53","dst_port":53,"qclass":1,"qname":"a%22b%5Cc.x%2Ey%00z.%FF%FE%25.EXAMPLE.com","qtype":1,)"
    R"("rcode":0,"src_ip":"2001:db8::1","src_port":5353,"transport":"udp","txid":4660})";

// Event 2 of the contract's published chain: its bytes, its event_id and its leaf hash are facts to
// agree with.
TEST(EnvelopeTest, ReproducesThePublishedLeaf) {
  Envelope e;
  e.identity = identity();
  e.emitted_at = *parse_time("2026-11-21T01:23:46.600350000Z");
  e.event_type = "dpi.dns";
  e.mono_us = 86'401'600'000;
  e.observed_at = *parse_time("2026-11-21T01:23:46.600000000Z");
  e.payload_bytes = dns_payload.size();
  e.payload_sha256 = sha256({as_bytes(dns_payload)});
  e.prev_hash = *parse_digest("179c65933daaaf6c5a4d2f0e844106a31df49a6e764e39962ea274cc4d4646b6");
  e.seq = 2;
  e.event_id = make_event_id(e.identity.instance, e.seq, e.observed_at, e.payload_sha256);
  EXPECT_EQ(uuid_text(e.event_id), "01a1fbb3-cb28-8094-b3f8-8aa3479f9872");
  std::string text;
  append_envelope(text, e);
  EXPECT_EQ(hex(envelope_hash(text)),
            "883bf01ea2566800570eb56cffefc0408be5a466c0a2164a9916c8d025bacaf8");
}

class ParsedEnvelopeTest : public ::testing::Test {
 protected:
  ParsedEnvelopeTest() : sealer_(identity(), test_key(1)) {
    text_ = sealer_.seal({.type = "dpi.dns",
                          .version = 1,
                          .observed_at = timestamp(1'700'000'000'000'000'001),
                          .payload = dns_payload},
                         {.emitted_at = timestamp(1'700'000'000'000'000'002), .mono_us = 77});
  }
  Sealer sealer_;
  std::string text_;
};

TEST_F(ParsedEnvelopeTest, GivesBackWhatWasWritten) {
  const auto e = parse_envelope(text_);
  ASSERT_TRUE(e.has_value());
  std::string again;
  append_envelope(again, *e);
  EXPECT_EQ(again, text_);
  EXPECT_EQ(e->mono_us, 77U);
  EXPECT_EQ(nanoseconds(e->observed_at), 1'700'000'000'000'000'001);
}

TEST_F(ParsedEnvelopeTest, RefusesEveryTruncation) {
  for (std::size_t n = 0; n < text_.size(); ++n)
    EXPECT_FALSE(parse_envelope(text_.substr(0, n)).has_value()) << n;
}

TEST_F(ParsedEnvelopeTest, NoSingleBitFlipGoesUnnoticed) {
  const auto original = parse_envelope(text_);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string flipped = text_;
      flipped[i] = static_cast<char>(static_cast<unsigned char>(flipped[i]) ^ (1U << bit));
      const auto parsed = parse_envelope(flipped);
      // What still parses has another hash: nothing is normalised away.
      if (parsed) {
        EXPECT_NE(envelope_hash(flipped), envelope_hash(text_));
      }
    }
  }
}

TEST_F(ParsedEnvelopeTest, RefusesReorderedRepeatedAndUnknownMembers) {
  std::string renamed = text_;
  renamed.replace(renamed.find("\"mode\""), 6, "\"mods\"");
  EXPECT_FALSE(parse_envelope(renamed).has_value());
  std::string extra = text_;
  extra.insert(extra.size() - 1, ",\"zz\":1");
  EXPECT_FALSE(parse_envelope(extra).has_value());
  std::string spaced = text_;
  spaced.insert(spaced.find(','), " ");
  EXPECT_FALSE(parse_envelope(spaced).has_value());
}

TEST(SealerTest, NeverLetsMonotonicTimeRunBackwards) {
  Sealer sealer(identity(), test_key(1));
  const EncodedEvent event{
      .type = "health.heartbeat", .version = 1, .observed_at = timestamp(5), .payload = "{}"};
  EXPECT_EQ(
      parse_envelope(sealer.seal(event, {.emitted_at = timestamp(5), .mono_us = 10}))->mono_us,
      10U);
  EXPECT_EQ(parse_envelope(sealer.seal(event, {.emitted_at = timestamp(5), .mono_us = 3}))->mono_us,
            10U);
}

TEST(SealerTest, ContinuesAChainFromItsHead) {
  Sealer whole(identity(), test_key(1));
  const EncodedEvent event{
      .type = "health.heartbeat", .version = 1, .observed_at = timestamp(5), .payload = "{}"};
  const SealTime time{.emitted_at = timestamp(5), .mono_us = 1};
  (void)whole.seal(event, time);
  Sealer resumed(identity(), test_key(1), whole.head());
  EXPECT_EQ(resumed.seal(event, time), whole.seal(event, time));
  EXPECT_EQ(resumed.checkpoint(), whole.checkpoint());
}

}  // namespace
}  // namespace dpi
