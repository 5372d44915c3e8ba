// Values from their text as PostgreSQL's input functions read it, which take more forms than the
// contract has: what a writer wrote in another form is stored all the same, and no tampering.
#pragma once

#include <optional>
#include <string_view>

#include "probe/base/bytes.h"
#include "probe/base/hex.h"

namespace dpi {

// With or without braces; a hyphen may stand behind any four digits.
[[nodiscard]] std::optional<Uuid> sql_uuid(std::string_view text);
// decode(…, 'hex'): either case, white space between the bytes.
[[nodiscard]] std::optional<ByteBuffer> sql_hex(std::string_view text);
// A host's address, 4 or 16 bytes; the length of its prefix may be said. Nothing for a network: no
// table takes one.
[[nodiscard]] std::optional<ByteBuffer> sql_host(std::string_view text);

}  // namespace dpi
