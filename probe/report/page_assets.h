// Style and script of the report's page.
#pragma once

#include <string_view>

namespace dpi {

[[nodiscard]] std::string_view page_style() noexcept;
[[nodiscard]] std::string_view page_script() noexcept;  // tables sort by the column that is asked

}  // namespace dpi
