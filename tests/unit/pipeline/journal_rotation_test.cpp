// A live probe's journal hands its chain over to the next key.
#include <gtest/gtest.h>

#include "probe/envelope/chain_verifier.h"
#include "probe/pipeline/event_journal.h"

namespace dpi {
namespace {

SigningKey key(std::uint8_t byte) {
  Digest seed{};
  seed.fill(byte);
  return SigningKey::from_seed(seed);
}

// Verifies what it gets as it comes.
class VerifyingSink final : public EventSink {
 public:
  VerifyingSink(ChainVerifier& verifier, const Room& room) : verifier_(verifier), room_(room) {}
  [[nodiscard]] Room room() const noexcept override { return room_; }
  Result<void> event(std::uint64_t, std::string_view envelope, std::string_view payload) override {
    return verifier_.add_event(envelope, payload);
  }
  Result<void> checkpoint(std::string_view note, const ChainHead&) override {
    return verifier_.add_checkpoint(note);
  }
  Result<void> finish() override { return {}; }

 private:
  ChainVerifier& verifier_;
  const Room& room_;
};

class Machine final : public LiveSide {
 public:
  SealTime seal_time() override { return {.emitted_at = Timestamp{}, .mono_us = 1}; }
  void describe(HeartbeatFacts& facts, std::span<const FrontStats>) override {
    key_id = facts.key_id;
  }
  std::optional<Digest> key_id;
};

class JournalRotation : public testing::TestWithParam<std::uint64_t> {
 protected:
  std::vector<std::unique_ptr<EventSink>> sinks() {
    std::vector<std::unique_ptr<EventSink>> out;
    out.push_back(std::make_unique<VerifyingSink>(verifier_, room_));
    return out;
  }
  [[nodiscard]] Digest signer() const { return recorder_.sealer().key().public_key().key_id(); }

  ChainVerifier verifier_;
  Room room_ = Room::plenty;
  Machine machine_;
  Recorder recorder_{Sealer({.hostname = "h", .version = "1", .mode = Mode::live}, key(1)), sinks(),
                     GetParam()};
  EventJournal journal_{{.start_reason = "enrolled",
                         .run_id = {},
                         .probe_version = "1",
                         .ndpi_version = "4",
                         .live = &machine_},
                        recorder_};
};

// Every event its own checkpoint, and many in one: the event and both signatures are in one.
INSTANTIATE_TEST_SUITE_P(All, JournalRotation, testing::Values(1, 2, 3, 64));

TEST_P(JournalRotation, EveryCheckpointHoldsAndTheNextKeyGoesOn) {
  journal_.start();
  ASSERT_TRUE(journal_.rotate_key(key(2), "scheduled"));
  EXPECT_EQ(recorder_.tree_size_signed(), recorder_.events_sealed()) << "it is signed at once";
  journal_.own_event("config.change", "{}");
  ASSERT_TRUE(journal_.rotate_key(key(3), "scheduled"));
  journal_.finish("signal");
  EXPECT_TRUE(recorder_.finish());
  EXPECT_FALSE(recorder_.error()) << recorder_.error()->what;
  const auto report = verifier_.finish();
  ASSERT_TRUE(report.has_value()) << report.error().what;
  EXPECT_EQ(report->key_ids,
            (std::vector<Digest>{key(1).public_key().key_id(), key(2).public_key().key_id(),
                                 key(3).public_key().key_id()}));
  EXPECT_EQ(machine_.key_id, key(3).public_key().key_id()) << "heartbeats name the key in force";
}

TEST_P(JournalRotation, WithoutRoomTheOldKeyGoesOn) {
  journal_.start();
  room_ = Room::none;
  const std::uint64_t before = recorder_.events_sealed();
  EXPECT_FALSE(journal_.rotate_key(key(2), "scheduled"));
  EXPECT_EQ(recorder_.events_sealed(), before);
  EXPECT_EQ(signer(), key(1).public_key().key_id());
  room_ = Room::reserved;
  EXPECT_TRUE(journal_.rotate_key(key(2), "scheduled")) << "the chain needs it";
  EXPECT_EQ(signer(), key(2).public_key().key_id());
  EXPECT_TRUE(verifier_.finish().has_value());
}

}  // namespace
}  // namespace dpi
