#include "probe/spool/ack_cursor.h"

#include <gtest/gtest.h>

#include "probe/spool/spool_folder.h"
#include "tests/unit/spool/memory_storage.h"

namespace dpi {
namespace {

const std::filesystem::path folder{"/spool"};
const std::filesystem::path file = folder / spool_cursor_name;

std::uint64_t acked(test::MemoryStorage& storage) {
  return AckCursor::open(folder, storage).value().acked_seq();
}

TEST(AckCursorTest, RemembersTheLastStore) {
  test::MemoryStorage storage;
  AckCursor cursor = AckCursor::open(folder, storage).value();
  EXPECT_EQ(cursor.acked_seq(), 0U);
  for (const std::uint64_t seq : {5U, 9U, 30U, 7U}) {
    ASSERT_TRUE(cursor.store(seq));
    EXPECT_EQ(acked(storage), seq);
  }
}

TEST(AckCursorTest, FallsBackToTheOtherSlotWhenOneIsTorn) {
  test::MemoryStorage storage;
  AckCursor cursor = AckCursor::open(folder, storage).value();
  ASSERT_TRUE(cursor.store(5));
  ASSERT_TRUE(cursor.store(9));
  const ByteBuffer whole = storage.contents(file);
  for (std::size_t at = 0; at < 24; ++at) {
    ByteBuffer torn = whole;
    torn[at] ^= 0xFFU;  // slot 0 holds the second store
    storage.set_contents(file, torn);
    EXPECT_EQ(acked(storage), 5U);
  }
}

TEST(AckCursorTest, StandsAtZeroWithoutReadableSlot) {
  test::MemoryStorage storage;
  storage.set_contents(file, ByteBuffer(300, 0xAB));
  AckCursor cursor = AckCursor::open(folder, storage).value();
  EXPECT_EQ(cursor.acked_seq(), 0U);
  ASSERT_TRUE(cursor.store(3));
  EXPECT_EQ(acked(storage), 3U);
}

}  // namespace
}  // namespace dpi
