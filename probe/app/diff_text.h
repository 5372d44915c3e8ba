// How the differences of two runs are told: to people in 80 columns, to machines as JSON.
#pragma once

#include <cstddef>
#include <string>

#include "probe/app/run_comparison.h"

namespace dpi {

// Each difference (at most rows_max of them; 0: all), then what they add up to.
[[nodiscard]] std::string diff_text(const RunDifferences& found, const std::string& first,
                                    const std::string& second, std::size_t rows_max);
// One object on one line.
[[nodiscard]] std::string diff_json(const RunDifferences& found);

}  // namespace dpi
