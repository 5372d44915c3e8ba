// One table's rows of one part against those that its events must have. Rows come in the order of
// the event's key; inside an event in any order.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "probe/audit/finding.h"
#include "probe/audit/row_deriver.h"
#include "probe/base/result.h"

namespace dpi {

// (ingested_at, instance, seq) so that bytes compare as the server orders them.
using EventKey = std::array<std::uint8_t, 32>;
[[nodiscard]] EventKey event_key(SqlTime ingested_at, const Uuid& instance, std::uint64_t seq);

// An event of the part, as far as the comparison of its rows must know it.
struct AuditedEvent {
  EventKey key{};
  Uuid instance{};
  std::uint64_t seq = 0;
  std::string no_rows;    // why it has none, if it has none
  bool unjudged = false;  // its bytes are not an event: nothing is known of its rows
};

// Both rows of one event: every column that is not the same.
[[nodiscard]] Finding row_difference(const BundleTable& table, const AuditedEvent& event,
                                     Bytes found, Bytes wanted);

class TableComparison {
 public:
  TableComparison(const BundleTable& table, const ExpectedRows& expected,
                  std::span<const AuditedEvent> events, Findings& findings);

  // A row as COPY gives it, with all columns of the bundle in their order.
  [[nodiscard]] Result<void> row(Bytes row);
  void finish();
  [[nodiscard]] std::uint64_t rows() const noexcept { return count_; }

 private:
  struct Group {  // the expected rows of one event
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  [[nodiscard]] Group group_of(std::size_t begin) const;
  void missing(Group group);
  void close();
  [[nodiscard]] bool same_own_key(Bytes a, Bytes b);
  void stray(const EventKey& key, Bytes row);

  const BundleTable& table_;
  const ExpectedRows& expected_;
  std::span<const AuditedEvent> events_;
  Findings& findings_;
  std::vector<std::size_t> own_key_;
  std::uint64_t count_ = 0;

  std::size_t next_ = 0;   // first expected row of an event not looked at
  bool open_ = false;      // a group of found rows is being read
  EventKey key_{};         // of it
  Group group_;            // what is expected there
  std::vector<bool> met_;  // of the group's rows
  std::size_t hint_ = 0;   // first one that may be met next
  std::vector<ByteBuffer> strays_;
  std::uint64_t strays_beyond_ = 0;
  std::vector<WireField> fields_, wanted_;
};

}  // namespace dpi
