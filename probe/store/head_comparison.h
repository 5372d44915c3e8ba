// Whether the chain that a database holds and the one in a spool are the same, as far as both
// reach.
#pragma once

#include <cstdint>

#include "probe/base/result.h"
#include "probe/spool/spool_reader.h"
#include "probe/store/event_database.h"

namespace dpi {

enum class HeadComparison : std::uint8_t {
  nothing,       // the database holds no event yet
  same,          // its last event is this spool's: every hash covers all that was before
  differs,       // two histories
  not_kept,      // the spool has that event no more, but later ones
  beyond_spool,  // the spool ends before
};

// Leaves the reader where sending goes on: at the batch with the database's last event; at the
// oldest event behind it that is left; at the newest batch of a spool that ends before.
[[nodiscard]] Result<HeadComparison> compare_head(SpoolReader& reader, const ChainPosition& head);

}  // namespace dpi
