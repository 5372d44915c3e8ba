#include "probe/base/slot_ring.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace dpi {
namespace {

struct Slot {
  std::uint32_t value;
};

SlotRing<Slot> ring_of(std::size_t slots) {
  return std::move(*SlotRing<Slot>::make(slots, slots - 1));
}

void put(SlotRing<Slot>& ring, std::uint32_t value) {
  ring.claim([] { return true; })->value = value;
  ring.publish();
}

TEST(SlotRingTest, GivesWhatWasPublishedInOrderAndIsFullAtItsCapacity) {
  SlotRing<Slot> ring = ring_of(4);
  EXPECT_EQ(ring.try_take(), nullptr);
  for (std::uint32_t i = 0; i < 4; ++i) put(ring, i);
  EXPECT_EQ(ring.try_claim(), nullptr);
  EXPECT_EQ(ring.waiting(), 4U);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(ring.try_take()->value, i);
  EXPECT_EQ(ring.try_take(), nullptr);
  EXPECT_EQ(ring.try_claim(), nullptr) << "taken is not released";
  ring.release();
  EXPECT_NE(ring.try_claim(), nullptr);
}

TEST(SlotRingTest, TheSlotThatWasFreeLastComesFirst) {
  SlotRing<Slot> ring = ring_of(8);
  const Slot* const first = ring.try_claim();
  ring.publish();
  ASSERT_EQ(ring.try_take(), first);
  ring.release();
  EXPECT_EQ(ring.try_claim(), first);
}

TEST(SlotRingTest, TellsTheMostThatWaitedSinceItWasAsked) {
  SlotRing<Slot> ring = ring_of(8);
  EXPECT_EQ(ring.take_waiting_max(), 0U);
  for (std::uint32_t i = 0; i < 5; ++i) put(ring, i);
  for (int i = 0; i < 4; ++i) {
    ASSERT_NE(ring.try_take(), nullptr);
    ring.release();
  }
  EXPECT_EQ(ring.waiting(), 1U);
  EXPECT_EQ(ring.take_waiting_max(), 5U) << "though only one waits now";
  EXPECT_EQ(ring.take_waiting_max(), 1U) << "that one still waits";
}

TEST(SlotRingTest, WaitingForRoomEndsWhenNobodyWillMakeAny) {
  SlotRing<Slot> ring = ring_of(1);
  put(ring, 1);
  int asked = 0;
  EXPECT_EQ(ring.claim([&] { return ++asked < 3; }), nullptr);
  EXPECT_EQ(asked, 3);
}

TEST(SlotRingTest, ATakenSlotComesAgainToTheSuccessorOfADeadConsumer) {
  SlotRing<Slot> ring = ring_of(4);
  put(ring, 1);
  put(ring, 2);
  EXPECT_EQ(ring.try_take()->value, 1U);
  ring.consume_on();
  EXPECT_EQ(ring.try_take()->value, 1U);
  ring.release();
  ring.consume_on();
  EXPECT_EQ(ring.try_take()->value, 2U);
}

TEST(SlotRingTest, WhatADeadProducerWasFillingIsLeftUntilItWasPublished) {
  SlotRing<Slot> ring = ring_of(4);
  EXPECT_EQ(ring.left(), nullptr);
  ring.try_claim()->value = 7;
  ASSERT_NE(ring.left(), nullptr);
  ring.publish_left();
  EXPECT_EQ(ring.left(), nullptr);
  EXPECT_EQ(ring.try_take()->value, 7U);
  put(ring, 8);
  EXPECT_EQ(ring.left(), nullptr);
  ring.publish_left();
  EXPECT_EQ(ring.try_take()->value, 8U);
  EXPECT_EQ(ring.try_take(), nullptr);
}

TEST(SlotRingTest, ASuccessorOfTheProducerUsesNoSlotThatIsStillNeeded) {
  SlotRing<Slot> ring = ring_of(4);
  put(ring, 1);
  put(ring, 2);
  (void)ring.try_claim();
  ring.produce_on();
  put(ring, 3);
  put(ring, 4);
  EXPECT_EQ(ring.try_claim(), nullptr);
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_EQ(ring.try_take()->value, i);
}

void count_through(SlotRing<Slot>& ring, std::uint32_t until, Doorbell& bell) {
  for (std::uint32_t expected = 0; expected < until;) {
    const std::uint32_t rung = bell.rung();
    const Slot* const slot = ring.try_take();
    if (slot == nullptr) {
      bell.wait(rung, std::chrono::seconds{10});
      continue;
    }
    ASSERT_EQ(slot->value, expected++);
    ring.release();
  }
}

TEST(SlotRingTest, NothingIsLostBetweenTwoThreads) {
  SlotRing<Slot> ring = ring_of(2);
  Doorbell bell;
  constexpr std::uint32_t many = 100'000;
  std::thread consumer([&] { count_through(ring, many, bell); });
  for (std::uint32_t i = 0; i < many; ++i) {
    put(ring, i);
    bell.ring();
  }
  consumer.join();
}

TEST(SlotRingTest, NothingIsLostBetweenTwoProcesses) {
  SlotRing<Slot> ring = ring_of(2);
  const auto bell = std::move(*SharedArray<Doorbell>::make(1));
  constexpr std::uint32_t many = 20'000;
  const pid_t consumer = ::fork();
  if (consumer == 0) {
    count_through(ring, many, bell[0]);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  for (std::uint32_t i = 0; i < many; ++i) {
    put(ring, i);
    bell[0].ring();
  }
  int status = 0;
  ASSERT_EQ(::waitpid(consumer, &status, 0), consumer);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace dpi
