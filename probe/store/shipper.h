// Spool → database, one committed batch a transaction, from wherever the database's own chain head
// says. Idempotent: what the database has is recognised, never stored twice. Trusts nothing but
// chain_resume.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

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
};

struct ShipReport {
  std::uint64_t stored = 0;  // events new to the database
  std::uint64_t known = 0;   // events it had
};

class Shipper {
 public:
  Shipper(ShipTarget target, SpoolReader reader)
      : target_(std::move(target)), reader_(std::move(reader)) {}

  // Ships what is committed up to commit_max; connects when needed. After an error it may be called
  // again: it begins with the database's head. Errc::sink: unreachable or refused (refused() tells
  // which).
  [[nodiscard]] Result<void> ship(std::uint64_t commit_max);

  [[nodiscard]] const ShipReport& report() const noexcept { return report_; }
  // The database will not take this chain as things are: trying again is useless until somebody
  // mends it.
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  void forget_refusal() noexcept { refused_ = false; }
  // Events below it are committed in the database, as far as it has told.
  [[nodiscard]] std::uint64_t acked_seq() const noexcept { return head_.next_seq; }

 private:
  Result<void> connect();
  Result<void> seek_head();
  Result<void> send(const SpoolBatch& batch);
  tl::unexpected<Error> refuse(std::string what);

  ShipTarget target_;
  SpoolReader reader_;
  std::optional<EventDatabase> database_;
  ChainPosition head_;
  ShipReport report_;
  bool refused_ = false;
};

}  // namespace dpi
