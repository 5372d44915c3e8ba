// The schema's functions as C++: what a writer may ask of the database (docs/database-protocol.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

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

enum class IngestFate {
  stored,   // wholly or its new tail
  known,    // the database had all of it
  retry,    // not now: the partition is sealed
  refused,  // never: what it says is in `detail`
};

struct IngestAnswer {
  IngestFate fate = IngestFate::refused;
  ChainPosition head;
  std::string status;
  std::string detail;
};

class EventDatabase {
 public:
  explicit EventDatabase(Postgres connection) : connection_(std::move(connection)) {}

  // Errc::sink, with the command that helps, unless the database serves writers of our contract.
  [[nodiscard]] Result<void> require_contract();
  // "enrolled" or "unchanged".
  [[nodiscard]] Result<std::string> enrol_replay(const Uuid& instance, const Uuid& machine,
                                                 Bytes spki);
  // Nothing when the instance is not enrolled for this login.
  [[nodiscard]] Result<std::optional<ChainPosition>> resume(const Uuid& instance);
  [[nodiscard]] Result<IngestAnswer> ingest(const Uuid& instance, const SpoolBatch& batch,
                                            std::string_view note);

  [[nodiscard]] Postgres& connection() noexcept { return connection_; }

 private:
  Postgres connection_;
};

}  // namespace dpi
