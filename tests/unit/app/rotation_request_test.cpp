#include "probe/app/rotation_request.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "probe/store/spool_sink.h"
#include "tests/support/rotating_chain.h"

namespace dpi {
namespace {

PublicKey key(std::uint8_t number) {
  return chain_key(number).public_key();
}

class RotationRequestTest : public ::testing::Test {
 protected:
  RotationRequestTest() {
    std::string pattern = "/tmp/dpi-rotation-test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~RotationRequestTest() override { std::filesystem::remove_all(folder_); }

  // The first lines of a chain as a spool keeps them.
  [[nodiscard]] std::filesystem::path spool_of(std::span<const ChainLine> lines) {
    const auto folder = folder_ / std::to_string(lines.size());
    if (std::filesystem::exists(folder)) return folder;
    SpoolSink sink(std::move(*open_new_spool(folder, RotatingChain::identity().instance, {})));
    ChainHead head;
    for (const ChainLine& line : lines) {
      if (!line.note.empty()) {
        EXPECT_TRUE(sink.checkpoint(line.note, head));
        continue;
      }
      EXPECT_TRUE(sink.event(head.tree.size(), line.envelope, line.payload));
      head.last_hash = envelope_hash(line.envelope);
      head.tree.add(head.last_hash);
    }
    return folder;
  }
  [[nodiscard]] std::string request(std::uint8_t from, std::uint8_t to) {
    const auto found = find_rotation(spool_of(until_), key(from), key(to));
    EXPECT_TRUE(found.has_value()) << found.error().what;
    return found ? rotation_request_text(*found, key(from)) : "";
  }

  std::filesystem::path folder_;
  std::vector<ChainLine> lines_ = rotating_chain();
  std::span<const ChainLine> until_{lines_};
};

TEST_F(RotationRequestTest, SaysAndProvesWhatTheDatabaseHasToKnow) {
  const std::string text = request(2, 3);
  EXPECT_TRUE(is_rotation_request(text));
  const auto rotation = parse_rotation_request(text);
  ASSERT_TRUE(rotation.has_value()) << rotation.error().what;
  EXPECT_EQ(rotation->instance, RotatingChain::identity().instance);
  EXPECT_EQ(rotation->seq, 7U);
  EXPECT_EQ(rotation->old_key_id, key(2).key_id());
  EXPECT_EQ(rotation->new_spki, key(3).spki());
  EXPECT_EQ(rotation->hostname, "h");
  EXPECT_EQ(rotation->reason, "scheduled");
}

TEST_F(RotationRequestTest, IsFoundOnlyOnceTheNewKeySignsAlone) {
  until_ = until_.first(rotated::note_1 + 1);
  const auto before = find_rotation(spool_of(until_), key(1), key(2));
  ASSERT_FALSE(before.has_value());
  EXPECT_NE(before.error().what.find("has not gone on"), std::string::npos) << before.error().what;
  until_ = std::span{lines_}.first(rotated::note_12 + 1);
  EXPECT_FALSE(find_rotation(spool_of(until_), key(1), key(2)).has_value())
      << "the old key may still be needed";
  until_ = std::span{lines_}.first(rotated::note_2 + 1);
  EXPECT_TRUE(find_rotation(spool_of(until_), key(1), key(2)).has_value());
  EXPECT_FALSE(find_rotation(spool_of(until_), key(1), key(3)).has_value());
  EXPECT_FALSE(find_rotation(folder_ / "nothing", key(1), key(2)).has_value());
}

TEST_F(RotationRequestTest, CutAnywhereItIsRefused) {
  const std::string whole = request(2, 3);
  for (std::size_t length = 0; length + 2 < whole.size(); ++length)
    ASSERT_FALSE(parse_rotation_request(whole.substr(0, length)).has_value()) << length;
}

TEST_F(RotationRequestTest, EditedAnywhereItIsRefused) {
  const std::string whole = request(2, 3);
  const auto honest = parse_rotation_request(whole);
  for (std::size_t i = 0; i + 1 < whole.size(); ++i) {
    std::string edited = whole;
    edited[i] = edited[i] == 'A' ? 'B' : 'A';
    const auto parsed = parse_rotation_request(edited);
    // What base64 pads with, or a member nobody asks for, changes nothing that is said.
    if (parsed) {
      EXPECT_EQ(parsed->seq, honest->seq) << i;
      EXPECT_EQ(parsed->new_spki, honest->new_spki) << i;
      EXPECT_EQ(parsed->instance, honest->instance) << i;
    }
  }
}

TEST_F(RotationRequestTest, OneThatTheOldKeyDidNotSignIsRefused) {
  const auto found = find_rotation(spool_of(until_), key(2), key(3));
  EventProver::Found forged = *found;
  forged.proof.note = signed_again(found->proof.note, {3});
  EXPECT_FALSE(parse_rotation_request(rotation_request_text(forged, key(2))).has_value());
  forged.proof.note = signed_again(found->proof.note, {3, 4});
  EXPECT_FALSE(parse_rotation_request(rotation_request_text(forged, key(4))).has_value())
      << "the event names the key that it replaces";
  forged.proof.note = signed_again(found->proof.note, {2});
  EXPECT_FALSE(parse_rotation_request(rotation_request_text(forged, key(2))).has_value())
      << "nor the new key";
  // Another event of the chain with its own good proof is no rotation.
  EventProver prover{EventChoice{std::uint64_t{3}}};
  ChainVerifier verifier;
  verifier.prove(prover);
  for (const ChainLine& line : lines_) ASSERT_TRUE(add_line(verifier, line));
  EXPECT_FALSE(parse_rotation_request(rotation_request_text(*prover.found(), key(1))).has_value());
}

}  // namespace
}  // namespace dpi
