// Service bindings (RFC 9460): SVCB and HTTPS.
#pragma once

#include "dissectors/dns/rdata_writer.h"

namespace dpi {

// Priority, target, then key=value; what the RFC calls malformed is refused.
void write_svcb(RdataWriter& w);

}  // namespace dpi
