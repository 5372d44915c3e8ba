// The ledger of batches: re_raw.ingest_segment with its gaps and fillings, the head that it ends
// at, and the checkpoints over it. What constraints enforce is asked again, for they can be
// dropped.
#pragma once

#include "probe/audit/audit_context.h"

namespace dpi {

[[nodiscard]] Result<void> audit_batch_ledger(const AuditContext& context);
[[nodiscard]] Result<void> audit_checkpoints(const AuditContext& context);

}  // namespace dpi
