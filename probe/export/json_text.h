// Values of events as ordinary JSON. An event's own strings need no escape (docs/envelope.md);
// pct-text is decoded, and whatever bytes it stood for, what comes out is valid UTF-8 JSON.
#pragma once

#include <string>
#include <string_view>

namespace dpi {

// The bytes that pct-text stands for.
[[nodiscard]] std::string pct_decoded(std::string_view pct);

// Between quotation marks. A byte that is part of no UTF-8 character becomes the four characters
// \xHH; control characters (C0, DEL, C1) and line separators are escaped, so that a terminal that
// shows the line is safe.
void append_json_string(std::string& out, std::string_view bytes);

}  // namespace dpi
