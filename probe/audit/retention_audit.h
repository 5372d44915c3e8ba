// The retention ledger and the partitions that it speaks of: computed here, not by
// re_ops.verify_ledger(), which the database could have been given another of.
#pragma once

#include <vector>

#include "probe/audit/audit_context.h"

namespace dpi {

// A day of raw events that left lawfully: sealed, then dropped.
struct RetiredDay {
  SqlTime from = 0;
  SqlTime until = 0;
};

[[nodiscard]] Result<std::vector<RetiredDay>> audit_retention(const AuditContext& context);

}  // namespace dpi
