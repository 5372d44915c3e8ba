// The promise: whatever was acknowledged comes back identical, whenever the power goes, the disk
// fills or a sync fails; and a batch that did not come back never does. The harness is itself
// tested with seeded bugs.
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/spool/spool_fixture.h"

namespace dpi {
namespace {

using test::Fault;
using test::MemoryStorage;
using test::spool_folder;

struct Content {
  std::string envelope;
  std::string payload;
  bool operator==(const Content&) const = default;
};

// One folder that crashes again and again, with everything the oracle knows about it.
class Campaign {
 public:
  explicit Campaign(std::uint64_t seed) : random_(seed), storage_(seed * 2 + 1) {}

  // One run of the writer until something breaks it, then the check. Gives what is wrong, or
  // nothing.
  std::optional<std::string> crash_once(Fault fault) {
    storage_.plan(fault, 1 + random_() % 60);
    auto writer =
        SpoolWriter::open(spool_folder, test::spool_instance, {.segment_bytes = 1500}, storage_);
    if (!writer && writer.error().code == Errc::verification) return writer.error().what;
    if (writer) {
      if (auto wrong = check(**writer)) return wrong;
      write(**writer);
      writer->reset();
    }
    if (storage_.stopped() && fault == Fault::process_death) storage_.restart();
    if (storage_.stopped()) storage_.reboot();
    if (auto wrong = reopen()) return wrong;
    // What recovery accepted it must have made durable: often cut the power right behind it.
    if (random_() % 2 == 0) return std::nullopt;
    storage_.reboot();
    return reopen();
  }
  MemoryStorage& storage() { return storage_; }
  [[nodiscard]] std::uint64_t acked_batches() const { return acked_batches_; }

 private:
  std::optional<std::string> reopen() {
    storage_.plan(Fault::none, 0);
    auto writer =
        SpoolWriter::open(spool_folder, test::spool_instance, {.segment_bytes = 1500}, storage_);
    if (!writer) return "after the fault: " + writer.error().what;
    return check(**writer);
  }

  void write(SpoolWriter& writer) {
    for (int batch = 0; batch < 12; ++batch) {
      tried_.clear();
      const std::uint64_t records = random_() % 6;
      for (std::uint64_t i = 0; i < records; ++i) {
        const std::uint64_t seq = writer.next_seq();
        const Content content{std::string(random_() % 300, static_cast<char>('a' + random_() % 26)),
                              std::to_string(++attempts_) + std::string(random_() % 400, 'x')};
        writer.append(seq, as_bytes(content.envelope), as_bytes(content.payload));
        tried_[seq] = content;
      }
      tried_state_ = "state " + std::to_string(++attempts_);
      if (!writer.commit(as_bytes(tried_state_))) return;
      acknowledge(writer.next_seq(), tried_state_, writer.durable_commit());
      if (random_() % 5 == 0) {
        released_ = acked_next_;
        if (!writer.retain(released_, random_() % 3000)) return;
      }
    }
    tried_.clear();
    tried_state_.clear();
  }

  void acknowledge(std::uint64_t next_seq, const std::string& state, std::uint64_t commit) {
    for (auto& [seq, content] : tried_) acked_[seq] = content;
    acked_next_ = next_seq;
    acked_state_ = state;
    acked_commit_ = commit;
    ++acked_batches_;
    tried_.clear();
  }

  // A writer that opened has made durable what it found, so from then on that counts as
  // acknowledged.
  std::optional<std::string> check(SpoolWriter& writer) {
    const std::uint64_t commit = writer.durable_commit();
    if (commit < acked_commit_) return "an acknowledged batch is gone";
    if (commit > acked_commit_ + 1) return "more batches than were written";
    if (commit == acked_commit_ + 1) acknowledge(acked_next_ + tried_.size(), tried_state_, commit);
    tried_.clear();
    if (writer.next_seq() != acked_next_) return "next_seq is wrong";
    if (as_text(writer.last_state()) != acked_state_) return "the state is wrong";
    return check_records();
  }

  std::optional<std::string> check_records() {
    if (acked_commit_ == 0) return std::nullopt;
    auto reader = SpoolReader::open(spool_folder, storage_);
    if (!reader) {
      if (storage_.stopped()) return std::nullopt;
      return reader.error().what;
    }
    std::uint64_t seq = reader->next_seq();
    if (seq > released_) return "segments are gone that were not released";
    for (;;) {
      const auto batch = reader->next();
      if (!batch) return batch.error().what;
      if (!*batch) break;
      for (const SpoolRecord& record : (*batch)->records) {
        const Content content{std::string{as_text(record.envelope)},
                              std::string{as_text(record.payload)}};
        if (record.seq != seq || content != acked_[seq])
          return "record " + std::to_string(seq) + " differs";
        ++seq;
      }
    }
    if (seq != acked_next_) return "records are missing at the end";
    return std::nullopt;
  }

  std::mt19937_64 random_;
  MemoryStorage storage_;
  std::map<std::uint64_t, Content> acked_;
  std::map<std::uint64_t, Content> tried_;  // of the batch whose commit was not acknowledged
  std::string tried_state_;
  std::string acked_state_;
  std::uint64_t acked_next_ = 0;
  std::uint64_t acked_commit_ = 0;
  std::uint64_t acked_batches_ = 0;
  std::uint64_t released_ = 0;
  std::uint64_t attempts_ = 0;
};

constexpr int crashes_per_folder = 6;

struct Outcome {
  std::uint64_t cycles = 0;
  std::uint64_t acked_batches = 0;
  std::optional<std::string> wrong;
};

template <class Prepare>
Outcome run(Fault fault, std::uint64_t folders, Prepare prepare) {
  Outcome outcome;
  for (std::uint64_t seed = 1; seed <= folders && !outcome.wrong; ++seed) {
    Campaign campaign{seed};
    prepare(campaign.storage());
    for (int i = 0; i < crashes_per_folder && !outcome.wrong; ++i) {
      ++outcome.cycles;
      outcome.wrong = campaign.crash_once(fault);
      if (outcome.wrong)
        *outcome.wrong += " (seed " + std::to_string(seed) + ", crash " + std::to_string(i) + ")";
    }
    outcome.acked_batches += campaign.acked_batches();
  }
  return outcome;
}

class PowerCutTest : public testing::TestWithParam<Fault> {};

TEST_P(PowerCutTest, LosesNothingAcknowledged) {
  const Outcome outcome = run(GetParam(), 200, [](MemoryStorage&) {});
  EXPECT_FALSE(outcome.wrong) << *outcome.wrong;
  EXPECT_EQ(outcome.cycles, 1200U);
  EXPECT_GT(outcome.acked_batches, 3000U);
  RecordProperty("acked_batches", static_cast<int>(outcome.acked_batches));
}

INSTANTIATE_TEST_SUITE_P(Faults, PowerCutTest,
                         testing::Values(Fault::power_cut, Fault::process_death, Fault::no_space,
                                         Fault::sync_error, Fault::short_write));

TEST(PowerCutHarnessTest, CatchesAcknowledgingBeforeSync) {
  EXPECT_TRUE(
      run(Fault::power_cut, 50, [](MemoryStorage& storage) { storage.sync_lies = true; }).wrong);
}

TEST(PowerCutHarnessTest, CatchesForgettingToSyncTheFolder) {
  EXPECT_TRUE(run(Fault::power_cut, 50, [](MemoryStorage& storage) {
                storage.folder_sync_lies = true;
              }).wrong);
}

}  // namespace
}  // namespace dpi
