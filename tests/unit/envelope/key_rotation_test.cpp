// Chains that are handed over from key to key, honest and not.
#include "probe/envelope/key_rotation.h"

#include <gtest/gtest.h>

#include "probe/envelope/event_proof.h"
#include "tests/support/rotating_chain.h"

namespace dpi {
namespace {

Digest id_of(std::uint8_t key) {
  return chain_key(key).public_key().key_id();
}

Revocations revoked(std::uint8_t key, std::uint64_t from) {
  Revocations out;
  out.add(id_of(key), from);
  return out;
}

std::vector<PublicKey> trust(std::initializer_list<std::uint8_t> keys) {
  std::vector<PublicKey> out;
  for (const std::uint8_t key : keys) out.push_back(chain_key(key).public_key());
  return out;
}

Result<ChainReport> verify(const std::vector<ChainLine>& lines, std::vector<PublicKey> trusted = {},
                           Revocations revoked = {}) {
  ChainVerifier verifier(std::move(trusted), std::move(revoked));
  for (const ChainLine& line : lines) {
    if (const auto added = add_line(verifier, line); !added) return tl::unexpected(added.error());
  }
  return verifier.finish();
}

void expect_broken(const Result<ChainReport>& report, std::string_view says) {
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, Errc::verification);
  EXPECT_NE(report.error().what.find(says), std::string::npos) << report.error().what;
}

TEST(KeyRotationTest, AChainGoesOnOverTwoRotations) {
  const auto report = verify(rotating_chain());
  ASSERT_TRUE(report.has_value()) << report.error().what;
  EXPECT_EQ(report->events, 9U);
  EXPECT_EQ(report->key_ids, (std::vector<Digest>{id_of(1), id_of(2), id_of(3)}));
}

TEST(KeyRotationTest, TheVerifierSaysWhereEachKeyWasAnnounced) {
  ChainVerifier verifier;
  for (const ChainLine& line : rotating_chain()) ASSERT_TRUE(add_line(verifier, line));
  std::vector<std::optional<std::uint64_t>> announced_at;
  std::vector<std::optional<std::uint64_t>> replaced_at;
  for (const AnnouncedKey& key : verifier.announced()) {
    announced_at.push_back(key.seq);
    replaced_at.push_back(key.replaced_at);
  }
  EXPECT_EQ(announced_at, (std::vector<std::optional<std::uint64_t>>{0, 4, 7}));
  EXPECT_EQ(replaced_at, (std::vector<std::optional<std::uint64_t>>{4, 7, std::nullopt}));
}

// Whom a trusted key handed over to is trusted as it is; nobody else.
TEST(KeyRotationTest, TrustFollowsARotationForwardsOnly) {
  EXPECT_TRUE(verify(rotating_chain(), trust({1}))->trusted);
  EXPECT_TRUE(verify(rotating_chain(), trust({1, 2, 3}))->trusted);
  EXPECT_TRUE(verify(rotating_chain(), trust({3, 1})).has_value());
  expect_broken(verify(rotating_chain(), trust({2, 3})), "not in the trust file");
  expect_broken(verify(rotating_chain(), trust({4})), "not in the trust file");
}

TEST(KeyRotationTest, TheOldKeyMustSignTheHandOver) {
  auto lines = rotating_chain();
  lines[rotated::note_12].note = signed_again(lines[rotated::note_12].note, {2});
  expect_broken(verify(lines), "not signed by key " + hex(id_of(1)));
  lines[rotated::note_12].note = signed_again(lines[rotated::note_12].note, {2, 4});
  expect_broken(verify(lines), "not signed by key " + hex(id_of(1)));
}

TEST(KeyRotationTest, TheNewKeyMustSignTheHandOver) {
  auto lines = rotating_chain();
  lines[rotated::note_12].note = signed_again(lines[rotated::note_12].note, {1});
  expect_broken(verify(lines), "not signed by key " + hex(id_of(2)));
  lines[rotated::note_12].note = signed_again(lines[rotated::note_12].note, {4, 1});
  expect_broken(verify(lines), "not signed by key " + hex(id_of(2)));
}

// One bit of either signature.
TEST(KeyRotationTest, AWrongSignatureOfEitherKeyIsFound) {
  const std::string whole = rotating_chain()[rotated::note_12].note;
  for (const std::size_t from_end : {std::size_t{20}, whole.size() / 2 - 30}) {
    auto lines = rotating_chain();
    char& digit = lines[rotated::note_12].note[whole.size() - from_end];
    ASSERT_TRUE(digit != ' ' && digit != '\n');
    digit = digit == 'A' ? 'B' : 'A';
    expect_broken(verify(lines), "");
  }
}

TEST(KeyRotationTest, AKeyCannotComeWithoutItsRotation) {
  auto lines = rotating_chain();
  lines.resize(rotated::note_1 + 1);
  lines[rotated::note_1].note = signed_again(lines[rotated::note_1].note, {2});
  expect_broken(verify(lines), "not signed by key " + hex(id_of(1)));
}

TEST(KeyRotationTest, AKeyIsNotUsedBeforeItsRotation) {
  auto lines = rotating_chain();
  lines[rotated::note_1].note = signed_again(lines[rotated::note_1].note, {2});
  expect_broken(verify(lines), "checkpoint over 4 events is not signed by key " + hex(id_of(1)));
}

TEST(KeyRotationTest, AReplacedKeyDoesNotSignAgain) {
  auto lines = rotating_chain();
  lines[rotated::note_2].note = signed_again(lines[rotated::note_2].note, {1});
  expect_broken(verify(lines), "checkpoint over 7 events is not signed by key " + hex(id_of(2)));
}

TEST(KeyRotationTest, ARotationThatWasLeftOutIsFound) {
  auto lines = rotating_chain();
  lines.erase(lines.begin() + rotated::rotation_12);
  expect_broken(verify(lines), "");
}

// All that was replaced since the last checkpoint signs it.
TEST(KeyRotationTest, TwoRotationsUnderOneCheckpointTakeThreeSignatures) {
  RotatingChain chain;
  chain.checkpoint();
  chain.rotate(1, 2);
  chain.checkpoint();
  auto lines = chain.lines;
  // As if the first had not been signed yet when the second came.
  chain.rotate(2, 3);
  chain.checkpoint();
  lines = chain.lines;
  lines.erase(lines.begin() + 3);
  const std::string note = lines.back().note;
  lines.back().note = signed_again(note, {3, 2, 1});
  EXPECT_TRUE(verify(lines).has_value());
  lines.back().note = signed_again(note, {3, 2});
  expect_broken(verify(lines), "not signed by key " + hex(id_of(1)));
  lines.back().note = signed_again(note, {3, 1});
  expect_broken(verify(lines), "not signed by key " + hex(id_of(2)));
}

TEST(KeyRotationTest, OnlyTheKeyInForceHandsOver) {
  RotatingChain chain;
  chain.rotate(2, 3);
  chain.checkpoint();
  expect_broken(verify(chain.lines), "not in force");
}

TEST(KeyRotationTest, AReplacedKeyDoesNotComeBack) {
  RotatingChain chain;
  chain.rotate(1, 2);
  chain.checkpoint();
  chain.rotate(2, 1);
  chain.checkpoint();
  expect_broken(verify(chain.lines), "does not come back");
  RotatingChain itself;
  itself.rotate(1, 1);
  itself.checkpoint();
  expect_broken(verify(itself.lines), "does not come back");
}

TEST(KeyRotationTest, ARevokedKeyProvesNothingFromThereOn) {
  // Key 3 signs over 9 events: of sequence 8 as the last.
  EXPECT_TRUE(verify(rotating_chain(), {}, revoked(3, 9)).has_value());
  expect_broken(verify(rotating_chain(), {}, revoked(3, 8)),
                "checkpoint over 9 events is signed by key " + hex(id_of(3)) +
                    ", which is revoked from sequence 8 on");
  expect_broken(verify(rotating_chain(), trust({1, 2, 3}), revoked(3, 8)), "revoked");
  expect_broken(verify(rotating_chain(), {}, revoked(1, 0)), "checkpoint over 4 events");
}

TEST(KeyRotationTest, ARevokedKeyCannotHandOver) {
  // The rotation from key 1 is sequence 4; the checkpoint before ends with 3.
  expect_broken(verify(rotating_chain(), {}, revoked(1, 4)),
                "sequence 4: key " + hex(id_of(1)) + " hands over, which is revoked");
  EXPECT_TRUE(verify(rotating_chain(), {}, revoked(1, 5)).has_value())
      << "what is revoked behind its rotation has handed over in time";
}

TEST(KeyRotationTest, TheEarliestRevocationCounts) {
  Revocations both = revoked(3, 9);
  both.add(id_of(3), 8);
  both.add(id_of(3), 100);
  EXPECT_EQ(both.from(id_of(3)), 8U);
  expect_broken(verify(rotating_chain(), {}, both), "from sequence 8 on");
}

// A spool that keeps the chain from its hand-over on: both keys signed there, and the next
// signature tells which one goes on.
TEST(KeyRotationTest, GoesOnFromAHandOver) {
  const auto lines = rotating_chain();
  MerkleTree tree;
  for (std::size_t i = 0; i <= rotated::rotation_12; ++i)
    if (lines[i].note.empty()) tree.add(envelope_hash(lines[i].envelope));
  const Digest last = envelope_hash(lines[rotated::rotation_12].envelope);
  const auto rest = [&](std::vector<PublicKey> trusted, const std::vector<ChainLine>& from) {
    ChainVerifier verifier(std::move(trusted));
    if (auto resumed = verifier.resume(last, tree, lines[rotated::note_12].note); !resumed)
      return Result<ChainReport>{tl::unexpected(resumed.error())};
    for (std::size_t i = rotated::note_12 + 1; i < from.size(); ++i) {
      if (auto added = add_line(verifier, from[i]); !added)
        return Result<ChainReport>{tl::unexpected(added.error())};
    }
    return verifier.finish();
  };
  for (const auto& trusted : {trust({1, 2}), trust({2, 1}), trust({2})})
    EXPECT_TRUE(rest(trusted, lines).has_value());
  expect_broken(rest(trust({4}), lines), "no key of the trust file");
  // Behind the second rotation, key 2 is over, whatever is trusted.
  auto old_again = lines;
  old_again[rotated::note_3].note = signed_again(lines[rotated::note_3].note, {2});
  expect_broken(rest(trust({1, 2, 3}), old_again), "not signed by key " + hex(id_of(3)));
}

TEST(KeyRotationTest, AHandOverInAHoleIsBridgedByTheTrustFileAlone) {
  const auto lines = rotating_chain();
  const auto walk = [&](std::vector<PublicKey> trusted) -> Result<ChainReport> {
    ChainVerifier verifier(std::move(trusted));
    for (std::size_t i = 0; i <= rotated::note_1; ++i)
      if (auto added = add_line(verifier, lines[i]); !added) return tl::unexpected(added.error());
    // Sequences 4 and 5 are not here.
    if (auto skipped = verifier.skip_to(6, envelope_hash(lines[rotated::note_12 + 1].envelope));
        !skipped)
      return tl::unexpected(skipped.error());
    for (std::size_t i = rotated::note_2 - 1; i < lines.size(); ++i)
      if (auto added = add_line(verifier, lines[i]); !added) return tl::unexpected(added.error());
    return verifier.finish();
  };
  EXPECT_TRUE(walk(trust({1, 2, 3})).has_value());
  expect_broken(walk({}), "not signed by key " + hex(id_of(1)));
}

class RotatePayloadTest : public ::testing::Test {
 protected:
  Uuid instance_ = RotatingChain::identity().instance;
  std::string payload_ = rotate_payload(instance_, chain_key(1), chain_key(2));

  void expect_refused(const std::string& payload, std::string_view says) const {
    const auto read = read_key_rotation(payload, instance_);
    ASSERT_FALSE(read.has_value()) << payload;
    EXPECT_NE(read.error().what.find(says), std::string::npos) << read.error().what;
  }
  [[nodiscard]] std::string with(std::string_view from, std::string_view to) const {
    std::string out = payload_;
    out.replace(out.find(from), from.size(), to);
    return out;
  }
};

TEST_F(RotatePayloadTest, IsReadAsWritten) {
  const auto read = read_key_rotation(payload_, instance_);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->old_key_id, id_of(1));
  EXPECT_EQ(read->next.key_id(), id_of(2));
  EXPECT_EQ(read->reason, "scheduled");
}

TEST_F(RotatePayloadTest, OfAnotherChainIsNoPossession) {
  Uuid other = instance_;
  other[0] ^= 1;
  EXPECT_FALSE(read_key_rotation(payload_, other).has_value());
}

TEST_F(RotatePayloadTest, AnotherKeyInItsPlaceIsFound) {
  expect_refused(with(hex(id_of(2)), hex(id_of(3))), "unreadable");
  const std::string stolen = rotate_payload(instance_, chain_key(1), chain_key(3));
  const std::string signature = base64(sign_possession(instance_, chain_key(2)));
  const std::string own = base64(sign_possession(instance_, chain_key(3)));
  std::string forged = stolen;
  forged.replace(forged.find(own), own.size(), signature);
  expect_refused(forged, "did not sign");
  expect_refused(with(base64(sign_possession(instance_, chain_key(2))), "AAAA"), "possession");
}

TEST_F(RotatePayloadTest, HasItsMembersAndNoOthers) {
  expect_refused("{}", "members");
  expect_refused("", "members");
  expect_refused(with("\"reason\":\"scheduled\"", "\"reason\":\"s\",\"zeal\":1"), "members");
  expect_refused(with("\"new_key_alg\":\"ed25519\"", "\"new_key_alg\":\"rsa\""), "unreadable");
  // A member of a member is none of the payload's.
  expect_refused("{\"a\":" + payload_ + "}", "members");
}

TEST_F(RotatePayloadTest, CutAnywhereItIsRefused) {
  for (std::size_t length = 0; length < payload_.size(); ++length)
    EXPECT_FALSE(read_key_rotation(payload_.substr(0, length), instance_).has_value()) << length;
}

// The proof of one event under the checkpoint of a hand-over.
class ProofOverARotationTest : public ::testing::Test {
 protected:
  ProofOverARotationTest() {
    EventProver prover{EventChoice{std::uint64_t{4}}};
    ChainVerifier verifier;
    verifier.prove(prover);
    for (const ChainLine& line : rotating_chain()) EXPECT_TRUE(add_line(verifier, line));
    found_ = *prover.found();
  }
  [[nodiscard]] Result<ProvenEvent> check(std::vector<PublicKey> trusted,
                                          const Revocations& revoked = {}) const {
    return verify_event(found_.envelope, found_.payload, found_.proof, trusted, revoked);
  }
  EventProver::Found found_;
};

TEST_F(ProofOverARotationTest, HoldsUnderEitherKey) {
  EXPECT_EQ(check(trust({1}))->key_id, id_of(1));
  EXPECT_EQ(check(trust({2}))->key_id, id_of(2));
  EXPECT_TRUE(check(trust({1, 2})).has_value());
  EXPECT_FALSE(check(trust({3})).has_value());
}

TEST_F(ProofOverARotationTest, AWrongSignatureOfATrustedKeySpoilsIt) {
  const std::string good = found_.proof.note;
  const std::string other = signed_again(good, {2, 1});
  found_.proof.note = other;
  ASSERT_TRUE(check(trust({1, 2})).has_value());
  // The last signature is that of key 1.
  char& digit = found_.proof.note[other.size() - 20];
  digit = digit == 'A' ? 'B' : 'A';
  EXPECT_FALSE(check(trust({1, 2})).has_value());
  EXPECT_FALSE(check(trust({1})).has_value());
  EXPECT_TRUE(check(trust({2})).has_value()) << "a line of a key that nobody knows says nothing";
}

TEST_F(ProofOverARotationTest, ASignatureOfARevokedKeyIsNone) {
  EXPECT_FALSE(check(trust({1}), revoked(1, 4)).has_value());
  EXPECT_TRUE(check(trust({1}), revoked(1, 5)).has_value());
  EXPECT_TRUE(check(trust({1, 2}), revoked(1, 4)).has_value()) << "the other one stands";
}

}  // namespace
}  // namespace dpi
