// Spool → database, one committed batch a transaction, from wherever the database's own chain head
// says. Idempotent: what the database has is recognised, never stored twice. Trusts nothing but
// chain_resume, anew with every connection: the database behind it may be a restored or another
// one, whose chain ends earlier or later than it did.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/base/result.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/event_database.h"

namespace dpi {

struct ShipTarget {
  std::string conninfo;
  Uuid instance{};
  Uuid machine{};
  ByteBuffer spki;
  bool replay = false;  // enrols itself
  bool part = false;    // of a chain that may go on elsewhere: ends where it likes
};

struct ShipReport {
  std::uint64_t stored = 0;  // events new to the database
  std::uint64_t known = 0;   // events it had
};

class Shipper {
 public:
  Shipper(ShipTarget target, SpoolReader reader)
      : target_(std::move(target)), reader_(std::move(reader)), acked_seq_(reader_.next_seq()) {}

  // How long the database may be waited for; outlives the shipper.
  void wait_with(const Patience& patience) noexcept { patience_ = &patience; }

  // Ships what is committed up to commit_max, a round of it: true when more may be waiting.
  // Connects when needed. After an error it may be called again: it begins with the database's
  // head. Errc::sink: unreachable or refused (refused() tells which).
  [[nodiscard]] Result<bool> ship(std::uint64_t commit_max);

  // Only compares the database's chain with the spool's: an error that refused_for_good() tells is
  // reason not to go on with this spool. The database is told.
  [[nodiscard]] Result<void> compare();
  // Why this probe goes no further by itself, for the database to keep: canonical JSON.
  [[nodiscard]] Result<void> tell(std::string_view statement);

  [[nodiscard]] const ShipReport& report() const noexcept { return report_; }
  // The database will not take this chain as things are: trying again is useless until somebody
  // mends it.
  [[nodiscard]] bool refused() const noexcept { return refused_.has_value(); }
  // It is not the chain that the database has, or not one at all: nothing more is sent.
  [[nodiscard]] bool refused_for_good() const noexcept { return for_good_; }
  void forget_refusal() noexcept {
    if (!for_good_) refused_.reset();
  }
  // Events below it are in the database, and are those of this spool: an event of it was compared
  // with the database's, and every hash covers all that was before.
  [[nodiscard]] std::uint64_t acked_seq() const noexcept { return acked_seq_; }
  // What was met in the spool so far.
  [[nodiscard]] const std::vector<SpoolDamage>& damage() const noexcept { return reader_.damage(); }

 private:
  Result<EventDatabase> connect();
  Result<void> begin();
  Result<void> seek_head(EventDatabase& database);
  Result<void> spool_ends_before(EventDatabase& database);
  Result<void> send(const SpoolBatch& batch);
  void count_known(const SpoolBatch& batch, std::uint64_t added);
  tl::unexpected<Error> refuse(std::string what);
  tl::unexpected<Error> refuse_for_good(std::string what);
  tl::unexpected<Error> refuse_batch(const SpoolBatch& batch, const IngestAnswer& answer);
  tl::unexpected<Error> failed(EventDatabase& database, const Error& error);

  ShipTarget target_;
  SpoolReader reader_;
  const Patience* patience_ = nullptr;
  std::optional<EventDatabase> database_;
  ChainPosition head_;
  std::uint64_t acked_seq_ = 0;
  std::uint64_t covered_from_ = 0;  // everything from here on that the spool has was read
  std::uint64_t counted_seq_ = 0;   // in report_
  bool sought_again_ = false;       // since a batch was last taken
  ShipReport report_;
  std::optional<Error> refused_;
  bool for_good_ = false;
};

}  // namespace dpi
