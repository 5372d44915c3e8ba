// Record data in presentation form (RFC 1035 §5.1 and the RFC of each type), as pct-text: the
// separating space is %20. Unknown types as RFC 3597 §5 writes them.
#pragma once

#include <cstdint>
#include <string>

#include "probe/base/bytes.h"

namespace dpi {

// Appends the data of one record lying at [offset, offset + length) of the message. False when it
// does not have the form of its type; the RFC 3597 form is written then.
bool append_rdata(std::string& out, Bytes message, std::size_t offset, std::size_t length,
                  std::uint16_t type);

}  // namespace dpi
