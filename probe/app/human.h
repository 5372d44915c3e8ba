// Numbers for people, short enough for a column.
#pragma once

#include <string>

namespace dpi {

[[nodiscard]] std::string human_age(double seconds);      // 12 s, 5 min, 3 h, 2 d
[[nodiscard]] std::string human_count(double value);      // 0, 950, 12.3k, 4.5M
[[nodiscard]] std::string human_percent(double percent);  // 0 %, 0.02 %, 2.1 %, 37 %

}  // namespace dpi
