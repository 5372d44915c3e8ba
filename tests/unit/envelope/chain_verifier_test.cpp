#include "probe/envelope/chain_verifier.h"

#include <gtest/gtest.h>

#include <functional>

#include "probe/envelope/canonical.h"
#include "probe/envelope/sealer.h"

namespace dpi {
namespace {

struct Line {
  std::string envelope;
  std::string payload;
  std::string note;  // a checkpoint when not empty
};

SigningKey test_key(std::uint8_t byte) {
  Digest seed{};
  seed.fill(byte);
  return SigningKey::from_seed(seed);
}

std::string start_payload(const PublicKey& key) {
  std::string out;
  CanonicalWriter w(out);
  w.begin_object();
  w.member("key_alg", "ed25519");
  w.member_hex("key_id", key.key_id());
  w.member("key_spki", base64(key.spki()));
  w.member("reason", "replay");
  w.end_object();
  return out;
}

// Eight events, a checkpoint after four and one at the end.
std::vector<Line> honest_chain(std::uint8_t key_byte = 1) {
  Identity identity{.hostname = "h", .version = "1", .mode = Mode::replay};
  identity.instance[15] = 1;
  Sealer sealer(identity, test_key(key_byte));
  std::vector<Line> lines;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::string payload =
        i == 0 ? start_payload(sealer.key().public_key()) : "{\"n\":" + std::to_string(i) + "}";
    Line line;
    line.envelope = sealer.seal({.type = i == 0 ? "chain.start" : "dpi.flow",
                                 .version = 1,
                                 .observed_at = timestamp(1),
                                 .payload = payload},
                                {.emitted_at = timestamp(1), .mono_us = i});
    line.payload = payload;
    lines.push_back(line);
    if (i % 4 == 3) lines.push_back({.envelope = {}, .payload = {}, .note = sealer.checkpoint()});
  }
  return lines;
}

Result<ChainReport> verify(const std::vector<Line>& lines, std::vector<PublicKey> trusted = {}) {
  ChainVerifier verifier(std::move(trusted));
  for (const Line& line : lines) {
    const auto added = line.note.empty() ? verifier.add_event(line.envelope, line.payload)
                                         : verifier.add_checkpoint(line.note);
    if (!added) return tl::unexpected(added.error());
  }
  return verifier.finish();
}

// The state behind the first four events, as a spool keeps it.
struct Kept {
  Digest last_hash{};
  MerkleTree tree;
};
Kept kept_state(const std::vector<Line>& lines) {
  Kept out;
  for (std::size_t i = 0; i < 4; ++i) {
    out.last_hash = envelope_hash(lines[i].envelope);
    out.tree.add(out.last_hash);
  }
  return out;
}

Result<ChainReport> verify_rest(const std::vector<Line>& lines, const Kept& kept,
                                std::vector<PublicKey> trusted) {
  ChainVerifier verifier(std::move(trusted));
  if (auto resumed = verifier.resume(kept.last_hash, kept.tree, lines[4].note); !resumed)
    return tl::unexpected(resumed.error());
  for (std::size_t i = 5; i < lines.size(); ++i) {
    const auto added = lines[i].note.empty()
                           ? verifier.add_event(lines[i].envelope, lines[i].payload)
                           : verifier.add_checkpoint(lines[i].note);
    if (!added) return tl::unexpected(added.error());
  }
  return verifier.finish();
}

TEST(ChainVerifierTest, GoesOnFromAStateThatItsCheckpointSigns) {
  const auto lines = honest_chain();
  const auto report = verify_rest(lines, kept_state(lines), {test_key(1).public_key()});
  ASSERT_TRUE(report.has_value()) << report.error().what;
  EXPECT_EQ(report->first_seq, 4U);
  EXPECT_EQ(report->events, 8U);
  EXPECT_EQ(report->root, verify(lines)->root);
  EXPECT_TRUE(report->trusted);
}

TEST(ChainVerifierTest, TheRestOfAChainProvesNothingWithoutATrustedKey) {
  const auto lines = honest_chain();
  EXPECT_EQ(verify_rest(lines, kept_state(lines), {}).error().code, Errc::usage);
  EXPECT_EQ(verify_rest(lines, kept_state(lines), {test_key(2).public_key()}).error().code,
            Errc::verification);
}

TEST(ChainVerifierTest, AnEditedStateOrRestIsFound) {
  const auto lines = honest_chain();
  const std::vector<PublicKey> trusted{test_key(1).public_key()};
  Kept longer = kept_state(lines);
  longer.tree.add(Digest{});
  EXPECT_EQ(verify_rest(lines, longer, trusted).error().code, Errc::verification);
  Kept other_hash = kept_state(lines);
  other_hash.last_hash[0] ^= 1;
  EXPECT_EQ(verify_rest(lines, other_hash, trusted).error().code, Errc::verification);
  auto missing = lines;
  missing.erase(missing.begin() + 5);
  EXPECT_EQ(verify_rest(missing, kept_state(lines), trusted).error().code, Errc::verification);
}

TEST(ChainVerifierTest, AcceptsAnHonestChain) {
  const auto report = verify(honest_chain());
  ASSERT_TRUE(report.has_value()) << report.error().what;
  EXPECT_EQ(report->events, 8U);
  EXPECT_EQ(report->checkpoints, 2U);
  EXPECT_FALSE(report->trusted);
}

TEST(ChainVerifierTest, JudgesByTheTrustFileWhenThereIsOne) {
  const auto trusted = verify(honest_chain(), {test_key(1).public_key()});
  ASSERT_TRUE(trusted.has_value());
  EXPECT_TRUE(trusted->trusted);
  EXPECT_FALSE(verify(honest_chain(), {test_key(2).public_key()}).has_value());
}

class TamperTest : public ::testing::TestWithParam<
                       std::pair<const char*, std::function<void(std::vector<Line>&)>>> {};

TEST_P(TamperTest, IsFound) {
  std::vector<Line> lines = honest_chain();
  GetParam().second(lines);
  const auto report = verify(lines);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, Errc::verification);
}

std::vector<Line>::iterator at(std::vector<Line>& lines, int i) {
  return lines.begin() + i;
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
}

// Lines 0–3 events, 4 checkpoint, 5–8 events, 9 checkpoint.
INSTANTIATE_TEST_SUITE_P(
    All, TamperTest,
    ::testing::Values(
        std::pair{"edited_payload", [](std::vector<Line>& l) { l[2].payload = "{\"n\":9}"; }},
        std::pair{
            "edited_envelope",
            [](std::vector<Line>& l) { replace(l[2].envelope, "\"mono_us\":2", "\"mono_us\":3"); }},
        std::pair{"replay_as_live",
                  [](std::vector<Line>& l) { replace(l[2].envelope, "replay", "live"); }},
        std::pair{"deleted", [](std::vector<Line>& l) { l.erase(at(l, 2)); }},
        std::pair{"duplicated", [](std::vector<Line>& l) { l.insert(at(l, 2), l[2]); }},
        std::pair{"swapped", [](std::vector<Line>& l) { std::swap(l[2], l[3]); }},
        std::pair{"cut_before_checkpoint", [](std::vector<Line>& l) { l.erase(at(l, 8)); }},
        std::pair{"cut_checkpoint", [](std::vector<Line>& l) { l.pop_back(); }},
        std::pair{"missing_start", [](std::vector<Line>& l) { l.erase(l.begin()); }},
        std::pair{"foreign_event", [](std::vector<Line>& l) { l[5] = honest_chain(2)[5]; }},
        std::pair{"foreign_checkpoint", [](std::vector<Line>& l) { l[9] = honest_chain(2)[9]; }},
        std::pair{"moved_checkpoint", [](std::vector<Line>& l) { std::swap(l[4], l[5]); }},
        std::pair{"renumbered",
                  [](std::vector<Line>& l) { replace(l[2].envelope, "\"seq\":2", "\"seq\":3"); }}),
    [](const auto& tamper) { return std::string{tamper.param.first}; });

TEST(ChainVerifierTest, NamesThePlaceOfAnEditAtTheNextLinkNotOnlyAtTheCheckpoint) {
  std::vector<Line> lines = honest_chain();
  replace(lines[2].envelope, "\"mono_us\":2", "\"mono_us\":3");
  const auto report = verify(lines);
  ASSERT_FALSE(report.has_value());
  EXPECT_NE(report.error().what.find("sequence 3: prev_hash"), std::string::npos)
      << report.error().what;
}

TEST(ChainVerifierTest, RefusesAnEmptyChain) {
  EXPECT_FALSE(verify({}).has_value());
}

}  // namespace
}  // namespace dpi
