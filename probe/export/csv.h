// CSV (RFC 4180): one file for every kind of row, one line for every event of that kind.
#pragma once

#include <string>
#include <string_view>

#include "probe/export/exported_event.h"
#include "probe/export/mapping.h"

namespace dpi {

// The names of the columns and the line's end.
[[nodiscard]] std::string csv_header(const RowMapping& row);
void append_csv_row(std::string& out, const RowMapping& row, const ExportedEvent& event);

// One cell. pct-text stays as it is, so a cell has neither line ends nor bytes beyond ASCII. What a
// spreadsheet would take for a formula is spelt %HH, which is the same pct-text.
void append_csv_cell(std::string& out, MemberKind kind, std::string_view text);

}  // namespace dpi
