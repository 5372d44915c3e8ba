// Refusals: re_raw.chain_violation binds what it says by its refusal_sha256, and
// re_raw.violation_counter says how many there must be.
#pragma once

#include "probe/audit/audit_context.h"

namespace dpi {

[[nodiscard]] Result<void> audit_refusals(const AuditContext& context);

}  // namespace dpi
