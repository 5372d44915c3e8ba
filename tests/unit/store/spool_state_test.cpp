#include "probe/store/spool_state.h"

#include <gtest/gtest.h>

#include <vector>

#include "probe/crypto/digest.h"

namespace dpi {
namespace {

ChainHead head_of(std::uint8_t leaves) {
  ChainHead head;
  for (std::uint8_t i = 0; i < leaves; ++i) {
    const ByteBuffer leaf{i};
    head.last_hash = sha256({leaf});
    head.tree.add(head.last_hash);
  }
  return head;
}

TEST(SpoolStateTest, ComesBackAsItWasWritten) {
  for (const std::uint8_t leaves : std::vector<std::uint8_t>{0, 1, 2, 3, 7, 8, 100, 255}) {
    const ChainHead head = head_of(leaves);
    for (const std::string note : {"", "origin\n3\nroot\n", "\n"}) {
      const auto state = decode_spool_state(encode_spool_state(head, note));
      ASSERT_TRUE(state);
      EXPECT_EQ(state->head.last_hash, head.last_hash);
      EXPECT_EQ(state->head.tree.size(), leaves);
      EXPECT_EQ(state->head.tree.root(), head.tree.root());
      EXPECT_EQ(state->note, note);
    }
  }
}

TEST(SpoolStateTest, CutBeforeTheNoteIsNothing) {
  const ChainHead head = head_of(7);
  const std::string note = "the note";
  const ByteBuffer whole = encode_spool_state(head, note);
  const std::size_t without_note = whole.size() - note.size();
  for (std::size_t cut = 0; cut < without_note; ++cut) {
    EXPECT_FALSE(decode_spool_state(Bytes{whole}.first(cut))) << "cut at byte " << cut;
  }
  // The note has no length of its own: the commit record's CRC guards it.
  for (std::size_t cut = without_note; cut <= whole.size(); ++cut) {
    const auto state = decode_spool_state(Bytes{whole}.first(cut));
    ASSERT_TRUE(state) << "cut at byte " << cut;
    EXPECT_EQ(state->note, note.substr(0, cut - without_note));
  }
}

TEST(SpoolStateTest, ATreeThatCannotBeIsNothing) {
  ByteBuffer bytes = encode_spool_state(head_of(3), "");
  bytes[34 + 7] = 4;  // four leaves have one peak, not two
  EXPECT_FALSE(decode_spool_state(bytes));
  bytes = encode_spool_state(head_of(3), "");
  bytes[33] = static_cast<std::uint8_t>(bytes[33] - 1);
  EXPECT_FALSE(decode_spool_state(bytes));
}

}  // namespace
}  // namespace dpi
