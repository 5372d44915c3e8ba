#include "probe/envelope/event_proof.h"

#include <gtest/gtest.h>

#include "tests/support/honest_chain.h"

namespace dpi {
namespace {

EventProver prover_over(const std::vector<ChainLine>& lines, EventChoice wanted) {
  EventProver prover(wanted);
  ChainVerifier verifier;
  verifier.prove(prover);
  for (const ChainLine& line : lines) EXPECT_TRUE(add_line(verifier, line).has_value());
  return prover;
}

class EventProofTest : public ::testing::Test {
 protected:
  EventProofTest() : lines_(honest_chain()), prover_(prover_over(lines_, std::uint64_t{2})) {}

  Result<ProvenEvent> verify(std::string_view text) const {
    const auto proof = parse_event_proof(text);
    if (!proof) return fail(Errc::input, "form");
    return verify_event(found().envelope, found().payload, *proof, trusted_);
  }
  const EventProver::Found& found() const { return *prover_.found(); }
  std::string text() const { return write_event_proof(found().proof); }

  std::vector<ChainLine> lines_;
  EventProver prover_;
  std::vector<PublicKey> trusted_{chain_key(1).public_key()};
};

TEST_F(EventProofTest, ProvesTheEventUnderTheFirstCheckpointThatCoversIt) {
  const auto proven = verify(text());
  ASSERT_TRUE(proven.has_value()) << proven.error().what;
  EXPECT_EQ(proven->envelope.seq, 2U);
  EXPECT_EQ(proven->tree_size, 4U);
  EXPECT_EQ(proven->key_id, chain_key(1).public_key().key_id());
  EXPECT_EQ(found().envelope, lines_[2].envelope);
}

TEST_F(EventProofTest, LooksAsC2spSays) {
  EXPECT_EQ(
      text(),
      "c2sp.org/tlog-proof@v1\n"
      "index 2\n"
      "O0o4Ve1XdsL4iAa6eko7ugTVgqSQ1oV+KQT0z/HB5z4=\n"
      "VaPNRc7/fHXCPx11XhikINKB7TY+QivECEAGexwRY7M=\n"
      "\n"
      "ransomeye.dpi/00000000-0000-0000-0000-000000000001\n"
      "4\n"
      "9x05RpIXvw9RYkZ3rEGHuGcCUmMPkJWmoWiaYS3lsrc=\n"
      "\n"
      "\u2014 ransomeye.dpi/00000000-0000-0000-0000-000000000001 "
      "gvl8bOg38H2VWVTVPANJjE+DqzKvm3d5hQDA3DRdWbH0tZ3YfpQl7pVOT9/+sld9xZ9rO3zyVIHOooyAnZxzGrMcEA"
      "w=\n");
}

TEST_F(EventProofTest, EveryEventHasOneByItsSequenceAndByItsId) {
  for (std::uint64_t seq = 0; seq < 8; ++seq) {
    const EventProver by_seq = prover_over(lines_, seq);
    ASSERT_NE(by_seq.found(), nullptr) << seq;
    const EventProver by_id = prover_over(lines_, by_seq.found()->event.event_id);
    ASSERT_NE(by_id.found(), nullptr) << seq;
    EXPECT_EQ(write_event_proof(by_id.found()->proof), write_event_proof(by_seq.found()->proof));
    EXPECT_TRUE(verify_event(by_seq.found()->envelope, by_seq.found()->payload,
                             by_seq.found()->proof, trusted_)
                    .has_value())
        << seq;
  }
}

TEST_F(EventProofTest, AnEventThatIsNotThereOrNotYetSignedHasNone) {
  EXPECT_EQ(prover_over(lines_, std::uint64_t{8}).found(), nullptr);
  EXPECT_EQ(prover_over(lines_, Uuid{}).found(), nullptr);
  lines_.pop_back();
  EXPECT_EQ(prover_over(lines_, std::uint64_t{5}).found(), nullptr);
}

TEST_F(EventProofTest, ReadsWhatItWritesAndRefusesEveryTruncation) {
  const std::string whole = text();
  const auto parsed = parse_event_proof(whole);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(write_event_proof(*parsed), whole);
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(parse_event_proof(whole.substr(0, n)).has_value()) << n;
}

TEST_F(EventProofTest, AnyChangedByteBreaksFormOrProof) {
  const std::string whole = text();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify(changed).has_value()) << i;
  }
}

TEST_F(EventProofTest, AnyChangedByteOfTheEventBreaksIt) {
  const auto holds = [this](const std::string& envelope, const std::string& payload) {
    return verify_event(envelope, payload, found().proof, trusted_).has_value();
  };
  for (std::size_t i = 0; i < found().envelope.size(); ++i) {
    std::string changed = found().envelope;
    changed[i] = changed[i] == '1' ? '2' : '1';
    EXPECT_FALSE(holds(changed, found().payload)) << i;
  }
  for (std::size_t i = 0; i < found().payload.size(); ++i) {
    std::string changed = found().payload;
    changed[i] = changed[i] == '1' ? '2' : '1';
    EXPECT_FALSE(holds(found().envelope, changed)) << i;
  }
}

TEST_F(EventProofTest, IsOfOneEventOneChainAndOneKey) {
  const auto other = prover_over(lines_, std::uint64_t{1});
  auto refused =
      verify_event(other.found()->envelope, other.found()->payload, found().proof, trusted_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("another event's proof"), std::string::npos);

  EventProof foreign = found().proof;
  Uuid instance{};
  instance[15] = 9;
  foreign.note = sign_checkpoint(instance, 4, parse_checkpoint(foreign.note)->root, chain_key(1));
  refused = verify_event(found().envelope, found().payload, foreign, trusted_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("the event is of"), std::string::npos);

  refused =
      verify_event(found().envelope, found().payload, found().proof, {chain_key(2).public_key()});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().what.find("no key of the trust file"), std::string::npos);
}

TEST_F(EventProofTest, ALongerPathThanAnyTreeHasIsRefused) {
  EventProof proof = found().proof;
  proof.path.resize(64);
  EXPECT_FALSE(parse_event_proof(write_event_proof(proof)).has_value());
}

TEST_F(EventProofTest, ComesOutOfASpoolThatLostItsBeginning) {
  MerkleTree tree;
  Digest last{};
  for (std::size_t i = 0; i < 4; ++i) tree.add(last = envelope_hash(lines_[i].envelope));
  EventProver prover(std::uint64_t{6});
  ChainVerifier verifier(trusted_);
  verifier.prove(prover);
  ASSERT_TRUE(verifier.resume(last, tree, lines_[4].note).has_value());
  for (std::size_t i = 5; i < lines_.size(); ++i)
    ASSERT_TRUE(add_line(verifier, lines_[i]).has_value());
  ASSERT_NE(prover.found(), nullptr);
  EXPECT_EQ(write_event_proof(prover.found()->proof),
            write_event_proof(prover_over(lines_, std::uint64_t{6}).found()->proof));
}

}  // namespace
}  // namespace dpi
