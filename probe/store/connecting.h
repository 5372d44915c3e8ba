// Connecting to a database, in a thread of its own (attempt.h): libpq asks name servers, service
// files and Kerberos while it connects, and none of them has a deadline.
#pragma once

#include <string>

#include "probe/store/conninfo.h"
#include "probe/store/postgres.h"

namespace dpi {

struct Connected {
  void* connection = nullptr;  // a PGconn to close; null: it did not begin in time
  std::string why;             // it failed; empty: it is there
};

// At most until `deadline`, and for as long as `patience` says.
[[nodiscard]] Connected connect_within(const ConnectParameters& parameters,
                                       const Patience& patience,
                                       Patience::Clock::time_point deadline);

}  // namespace dpi
