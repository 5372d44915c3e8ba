#include "probe/app/diff.h"

#include <fmt/format.h>

#include <cstdio>

#include "probe/app/diff_text.h"
#include "probe/app/report.h"
#include "probe/app/run_rows.h"

namespace dpi {

int run_diff(const DiffOptions& options) {
  constexpr int exit_different = 1;  // as diff(1)
  if (options.first == "-" && options.second == "-")
    return report({Errc::usage, "standard input can be one of the two runs, not both"});
  RunComparison comparison;
  const auto first = read_rows(
      options.first, [&](const RunRow& row) { comparison.first(row.event_type, row.payload); });
  if (!first) return report(first.error());
  const auto second = read_rows(
      options.second, [&](const RunRow& row) { comparison.second(row.event_type, row.payload); });
  if (!second) return report(second.error());
  const RunDifferences found = comparison.finish();
  const std::string text = options.json
                               ? diff_json(found)
                               : diff_text(found, options.first, options.second, options.rows);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return report({Errc::sink, "standard output: cannot be written to"});
  return found.equal() ? exit_done : exit_different;
}

}  // namespace dpi
