// The events of a run as they were written, for whoever compares runs or looks for one. Not
// verified: that is `verify`.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "probe/base/result.h"

namespace dpi {

struct RunRow {
  std::string_view envelope;
  std::string_view event_type;
  std::string_view payload;
};
// The texts live until the call returns.
using RowObserver = std::function<void(const RunRow& row)>;

// A JSON lines file, "-" for standard input, a spool folder, or postgres[:CONNINFO][#INSTANCE]: all
// chains that the login may read, or one. Errc::input names what is none of them, and the line of a
// file that is broken.
[[nodiscard]] Result<void> read_rows(const std::string& source, const RowObserver& observe);

}  // namespace dpi
