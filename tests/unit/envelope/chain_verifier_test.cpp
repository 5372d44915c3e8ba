#include "probe/envelope/chain_verifier.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/honest_chain.h"

namespace dpi {
namespace {

Result<ChainReport> verify(const std::vector<ChainLine>& lines,
                           std::vector<PublicKey> trusted = {}) {
  ChainVerifier verifier(std::move(trusted));
  for (const ChainLine& line : lines) {
    if (const auto added = add_line(verifier, line); !added) return tl::unexpected(added.error());
  }
  return verifier.finish();
}

// The state behind the first four events, as a spool keeps it.
struct Kept {
  Digest last_hash{};
  MerkleTree tree;
};
Kept kept_state(const std::vector<ChainLine>& lines) {
  Kept out;
  for (std::size_t i = 0; i < 4; ++i) {
    out.last_hash = envelope_hash(lines[i].envelope);
    out.tree.add(out.last_hash);
  }
  return out;
}

Result<ChainReport> verify_rest(const std::vector<ChainLine>& lines, const Kept& kept,
                                std::vector<PublicKey> trusted) {
  ChainVerifier verifier(std::move(trusted));
  if (auto resumed = verifier.resume(kept.last_hash, kept.tree, lines[4].note); !resumed)
    return tl::unexpected(resumed.error());
  for (std::size_t i = 5; i < lines.size(); ++i) {
    if (const auto added = add_line(verifier, lines[i]); !added)
      return tl::unexpected(added.error());
  }
  return verifier.finish();
}

TEST(ChainVerifierTest, GoesOnFromAStateThatItsCheckpointSigns) {
  const auto lines = honest_chain();
  const auto report = verify_rest(lines, kept_state(lines), {chain_key(1).public_key()});
  ASSERT_TRUE(report.has_value()) << report.error().what;
  EXPECT_EQ(report->first_seq, 4U);
  EXPECT_EQ(report->events, 8U);
  EXPECT_EQ(report->root, verify(lines)->root);
  EXPECT_TRUE(report->trusted);
}

TEST(ChainVerifierTest, TheRestOfAChainProvesNothingWithoutATrustedKey) {
  const auto lines = honest_chain();
  EXPECT_EQ(verify_rest(lines, kept_state(lines), {}).error().code, Errc::usage);
  EXPECT_EQ(verify_rest(lines, kept_state(lines), {chain_key(2).public_key()}).error().code,
            Errc::verification);
}

TEST(ChainVerifierTest, AnEditedStateOrRestIsFound) {
  const auto lines = honest_chain();
  const std::vector<PublicKey> trusted{chain_key(1).public_key()};
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
  const auto trusted = verify(honest_chain(), {chain_key(1).public_key()});
  ASSERT_TRUE(trusted.has_value());
  EXPECT_TRUE(trusted->trusted);
  EXPECT_FALSE(verify(honest_chain(), {chain_key(2).public_key()}).has_value());
}

class TamperTest : public ::testing::TestWithParam<
                       std::pair<const char*, std::function<void(std::vector<ChainLine>&)>>> {};

TEST_P(TamperTest, IsFound) {
  std::vector<ChainLine> lines = honest_chain();
  GetParam().second(lines);
  const auto report = verify(lines);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, Errc::verification);
}

std::vector<ChainLine>::iterator at(std::vector<ChainLine>& lines, int i) {
  return lines.begin() + i;
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
}

// Lines 0–3 events, 4 checkpoint, 5–8 events, 9 checkpoint.
INSTANTIATE_TEST_SUITE_P(
    All, TamperTest,
    ::testing::Values(
        std::pair{"edited_payload", [](std::vector<ChainLine>& l) { l[2].payload = "{\"n\":9}"; }},
        std::pair{"edited_envelope",
                  [](std::vector<ChainLine>& l) {
                    replace(l[2].envelope, "\"mono_us\":2", "\"mono_us\":3");
                  }},
        std::pair{"replay_as_live",
                  [](std::vector<ChainLine>& l) { replace(l[2].envelope, "replay", "live"); }},
        std::pair{"deleted", [](std::vector<ChainLine>& l) { l.erase(at(l, 2)); }},
        std::pair{"duplicated", [](std::vector<ChainLine>& l) { l.insert(at(l, 2), l[2]); }},
        std::pair{"swapped", [](std::vector<ChainLine>& l) { std::swap(l[2], l[3]); }},
        std::pair{"cut_before_checkpoint", [](std::vector<ChainLine>& l) { l.erase(at(l, 8)); }},
        std::pair{"cut_checkpoint", [](std::vector<ChainLine>& l) { l.pop_back(); }},
        std::pair{"missing_start", [](std::vector<ChainLine>& l) { l.erase(l.begin()); }},
        std::pair{"foreign_event", [](std::vector<ChainLine>& l) { l[5] = honest_chain(2)[5]; }},
        std::pair{"foreign_checkpoint",
                  [](std::vector<ChainLine>& l) { l[9] = honest_chain(2)[9]; }},
        std::pair{"moved_checkpoint", [](std::vector<ChainLine>& l) { std::swap(l[4], l[5]); }},
        std::pair{
            "renumbered",
            [](std::vector<ChainLine>& l) { replace(l[2].envelope, "\"seq\":2", "\"seq\":3"); }}),
    [](const auto& tamper) { return std::string{tamper.param.first}; });

TEST(ChainVerifierTest, NamesThePlaceOfAnEditAtTheNextLinkNotOnlyAtTheCheckpoint) {
  std::vector<ChainLine> lines = honest_chain();
  replace(lines[2].envelope, "\"mono_us\":2", "\"mono_us\":3");
  const auto report = verify(lines);
  ASSERT_FALSE(report.has_value());
  EXPECT_NE(report.error().what.find("sequence 3: prev_hash"), std::string::npos)
      << report.error().what;
}

TEST(ChainVerifierTest, RefusesAnEmptyChain) {
  EXPECT_FALSE(verify({}).has_value());
}

// Lines 0 to 3 are events, 4 a checkpoint, 5 to 8 events 4 to 7, 9 a checkpoint. Events 4 and 5 are
// not there.
class HoleTest : public testing::Test {
 protected:
  void walk_to_hole() {
    for (std::size_t i = 0; i <= 4; ++i) ASSERT_TRUE(add_line(verifier_, lines_[i]));
  }
  Result<void> rest() {
    for (std::size_t i = 7; i <= 9; ++i)
      if (auto added = add_line(verifier_, lines_[i]); !added) return added;
    return {};
  }
  MerkleTree tree_before(std::size_t last_line) const {
    MerkleTree tree;
    for (std::size_t i = 0; i <= last_line; ++i)
      if (lines_[i].note.empty()) tree.add(envelope_hash(lines_[i].envelope));
    return tree;
  }

  std::vector<ChainLine> lines_ = honest_chain();
  ChainVerifier verifier_;
};

TEST_F(HoleTest, BindsWhatIsBehindByItsLinksAndProvesNothing) {
  walk_to_hole();
  ASSERT_TRUE(verifier_.skip_to(6, envelope_hash(lines_[6].envelope)));
  ASSERT_TRUE(rest());
  const auto report = verifier_.finish();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->skipped, 2U);
  EXPECT_EQ(report->events, 8U);
  EXPECT_FALSE(report->proven);
}

TEST_F(HoleTest, RefusesALinkToAnotherEvent) {
  walk_to_hole();
  ASSERT_TRUE(verifier_.skip_to(6, envelope_hash(lines_[5].envelope)));
  EXPECT_FALSE(rest());
}

TEST_F(HoleTest, ProvesAgainWithTheTreeOfAllBefore) {
  walk_to_hole();
  ASSERT_TRUE(verifier_.skip_to(6, envelope_hash(lines_[6].envelope)));
  verifier_.continue_tree(tree_before(6));
  ASSERT_TRUE(rest());
  EXPECT_TRUE(verifier_.finish()->proven);
}

TEST_F(HoleTest, FindsATreeOfOtherEvents) {
  walk_to_hole();
  ASSERT_TRUE(verifier_.skip_to(6, envelope_hash(lines_[6].envelope)));
  replace(lines_[5].envelope, "\"mono_us\":4", "\"mono_us\":5");
  verifier_.continue_tree(tree_before(6));
  EXPECT_FALSE(rest());
}

TEST_F(HoleTest, NeedsATrustedKeyWithoutTheBeginning) {
  const auto refused = verifier_.skip_to(6, envelope_hash(lines_[6].envelope));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::usage);
  verifier_ = ChainVerifier({chain_key(1).public_key()});
  ASSERT_TRUE(verifier_.skip_to(6, envelope_hash(lines_[6].envelope)));
  EXPECT_TRUE(rest());
  verifier_ = ChainVerifier({chain_key(2).public_key()});
  ASSERT_TRUE(verifier_.skip_to(6, envelope_hash(lines_[6].envelope)));
  EXPECT_FALSE(rest());
}

}  // namespace
}  // namespace dpi
