// The registry of re_core: what its rows owe to each other, to the keys and to the bundle. Who did
// an administrative act, when and why is signed by nobody: docs/superuser-mutations.md.
#pragma once

#include <string_view>

#include "probe/audit/audit_context.h"
#include "probe/audit/row_plan.h"

namespace dpi {

[[nodiscard]] Result<void> audit_registry(const AuditContext& context);

// The bundle that the database says it has, and the event types that it knows.
[[nodiscard]] Result<void> audit_bundle(const AuditContext& context, std::string_view version,
                                        const Digest& sha256);

}  // namespace dpi
