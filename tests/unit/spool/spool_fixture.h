// A spool on a MemoryStorage and what tests say about it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "probe/spool/spool_folder.h"
#include "probe/spool/spool_reader.h"
#include "probe/spool/spool_writer.h"
#include "tests/unit/spool/memory_storage.h"

namespace dpi::test {

inline const std::filesystem::path spool_folder{"/spool"};
inline constexpr Uuid spool_instance{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

inline std::string envelope_text(std::uint64_t seq) {
  return R"({"schema":"test","seq":)" + std::to_string(seq) + "}" + std::string(seq % 97, 'e');
}
inline std::string payload_text(std::uint64_t seq) {
  return R"({"payload":)" + std::to_string(seq) + "}" + std::string(seq * 31 % 301, 'p');
}

inline std::filesystem::path segment_path(std::uint64_t first_seq) {
  return spool_folder / segment_name(first_seq);
}

// A batch with its own copy of everything.
struct OwnedBatch {
  std::uint64_t commit = 0;
  std::uint64_t first_seq = 0;
  std::vector<std::pair<std::string, std::string>> records;
  std::string state;
};

inline OwnedBatch copy_of(const SpoolBatch& batch) {
  OwnedBatch copy{.commit = batch.commit,
                  .first_seq = batch.first_seq,
                  .records = {},
                  .state = std::string{as_text(batch.state)}};
  for (const SpoolRecord& record : batch.records) {
    copy.records.emplace_back(as_text(record.envelope), as_text(record.payload));
  }
  return copy;
}

class SpoolFixture : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<SpoolWriter> open_writer(std::uint64_t segment_bytes = 1U << 20U) {
    auto writer =
        SpoolWriter::open(spool_folder, spool_instance, {.segment_bytes = segment_bytes}, storage_);
    EXPECT_TRUE(writer) << writer.error().what;
    return writer ? std::move(*writer) : nullptr;
  }
  [[nodiscard]] Error open_error() {
    auto writer = SpoolWriter::open(spool_folder, spool_instance, {}, storage_);
    EXPECT_FALSE(writer);
    return writer ? Error{} : writer.error();
  }
  [[nodiscard]] SpoolReader open_reader() {
    auto reader = SpoolReader::open(spool_folder, storage_);
    DPI_CHECK(reader.has_value());
    return std::move(*reader);
  }
  static void append(SpoolWriter& writer, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t seq = writer.next_seq();
      writer.append(seq, as_bytes(envelope_text(seq)), as_bytes(payload_text(seq)));
    }
  }
  static Result<void> commit(SpoolWriter& writer) {
    return writer.commit(as_bytes("state " + std::to_string(writer.next_seq())));
  }
  // batches × records, each batch committed.
  static void write(SpoolWriter& writer, std::uint64_t batches, std::uint64_t records) {
    for (std::uint64_t i = 0; i < batches; ++i) {
      append(writer, records);
      const auto committed = commit(writer);
      ASSERT_TRUE(committed) << committed.error().what;
    }
  }
  // Reads on to the end; every record must be what append() wrote.
  static std::uint64_t expect_records(SpoolReader& reader, std::uint64_t first_seq) {
    std::uint64_t seq = first_seq;
    for (;;) {
      const auto batch = reader.next();
      EXPECT_TRUE(batch) << batch.error().what;
      if (!batch || !*batch) return seq;
      EXPECT_EQ((*batch)->first_seq, seq);
      for (const SpoolRecord& record : (*batch)->records) {
        EXPECT_EQ(record.seq, seq);
        EXPECT_EQ(as_text(record.envelope), envelope_text(seq));
        EXPECT_EQ(as_text(record.payload), payload_text(seq));
        ++seq;
      }
      EXPECT_EQ((*batch)->next_seq, seq);
      EXPECT_EQ(as_text((*batch)->state), "state " + std::to_string(seq));
    }
  }

  MemoryStorage storage_;
};

}  // namespace dpi::test
