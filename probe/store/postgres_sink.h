// Events into PostgreSQL by way of a spool: the caller's thread makes them durable, a thread of its
// own ships them. The database may come and go meanwhile; what is not shipped at the end stays in
// the spool.
#pragma once

#include <filesystem>
#include <memory>

#include "probe/store/event_sink.h"
#include "probe/store/shipper.h"
#include "probe/store/spool_sink.h"

namespace dpi {

struct PostgresSinkOptions {
  ShipTarget target;
  std::filesystem::path spool_folder;
  SpoolOptions spool;
  // How long finish() goes on trying when the database is away.
  std::chrono::seconds patience{5};
};

// For replay: the spool is made anew, and removed once everything is in the database.
[[nodiscard]] Result<std::unique_ptr<EventSink>> open_postgres_sink(PostgresSinkOptions options);

}  // namespace dpi
