// The schema's functions as C++: what a writer may ask of the database (docs/database-protocol.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/hex.h"
#include "probe/base/result.h"
#include "probe/spool/segment_reader.h"
#include "probe/store/postgres.h"

namespace dpi {

// The version of docs/database-protocol.md that this code speaks.
inline constexpr int writer_contract = 1;

struct ChainPosition {
  std::uint64_t next_seq = 0;
  Digest last_hash{};
};

// Declared lost, not found again so far.
struct ChainGap {
  std::uint64_t first_missing = 0;
  std::uint64_t last_missing = 0;
};

enum class IngestFate {
  stored,   // wholly or its new tail
  known,    // the database had all of it
  retry,    // not now: the partition is sealed
  ahead,    // its chain ends before the batch begins: send from head.next_seq
  refused,  // never: what it says is in `detail`
};

struct IngestAnswer {
  IngestFate fate = IngestFate::refused;
  ChainPosition head;
  std::string status;
  std::string detail;
};

// Whether a statement that failed so may succeed as it is, later or on another server: the fault is
// the server's or the moment's (PostgreSQL, "Error Codes"), not of what was asked.
[[nodiscard]] bool passes_with_time(std::string_view sqlstate) noexcept;

class EventDatabase {
 public:
  explicit EventDatabase(Postgres connection) : connection_(std::move(connection)) {}

  // What this session needs, whatever the role's or the server's defaults are: a commit that is
  // told is durable, and no wait of the server's outlives ours.
  [[nodiscard]] Result<void> prepare_session();

  // Errc::sink, with the command that helps, unless the database serves writers of our contract.
  [[nodiscard]] Result<void> require_contract();
  // "enrolled" or "unchanged".
  [[nodiscard]] Result<std::string> enrol_replay(const Uuid& instance, const Uuid& machine,
                                                 Bytes spki);
  // Nothing when the instance is not enrolled for this login.
  [[nodiscard]] Result<std::optional<ChainPosition>> resume(const Uuid& instance);
  // No note: the batch lost its end. accept_gap: the events before the batch are lost for good; the
  // database keeps the hole.
  [[nodiscard]] Result<IngestAnswer> ingest(const Uuid& instance, const SpoolBatch& batch,
                                            const std::optional<std::string>& note,
                                            bool accept_gap);
  // Leaves a statement among the database's refusals. It has the form of no envelope, so that
  // nothing can take it for an event.
  [[nodiscard]] Result<void> tell(const Uuid& instance, const ChainPosition& head,
                                  std::string_view statement);

  // Reads the whole chain.
  [[nodiscard]] Result<std::vector<ChainGap>> gaps(const Uuid& instance);
  // All events of a declared gap. Errc::sink: the database does not take them, and why.
  [[nodiscard]] Result<void> fill_gap(const Uuid& instance, std::uint64_t first_missing,
                                      std::span<const Bytes> envelopes,
                                      std::span<const Bytes> payloads);

  [[nodiscard]] Postgres& connection() noexcept { return connection_; }
  // After a failure: nothing but a change on one of the two sides helps.
  [[nodiscard]] bool failed_for_good() const noexcept {
    return connection_.alive() && !passes_with_time(connection_.sqlstate());
  }

 private:
  Postgres connection_;
};

}  // namespace dpi
